/** The container API as a page of documentation, made from the endpoints themselves. */

import { isNetworkRule } from '../../control/policy/network-defaults.ts';
import { Policy } from '../../control/policy.ts';
import { allowedIn, containerStatuses } from '../../model/container.ts';
import { operationTable } from '../../model/operation-table.ts';
import type { Endpoint, Field, Fields } from './endpoint.ts';
import { maximumMinor, minimumMinor, ownMinor, versionText } from './microversion.ts';

const preface = `# Container API

Zun's API v1, microversions ${versionText(minimumMinor)} to ${versionText(maximumMinor)}, served at \`/v1\`. Ask for a version with
\`OpenStack-API-Version: container ${versionText(maximumMinor)}\`; without the header it is ${versionText(minimumMinor)}. Every request except \`/\`, \`/v1\`
and \`/healthcheck\` carries a token in \`X-Auth-Token\`.

This page is written by \`src/api/zun/describe.ts\` from the declarations that the server routes and checks by. After a
change of an endpoint, run the test beside it with \`UPDATE_DOCS=1\`. What differs from Zun is in
[compatibility](compatibility.md).
`;

export function describeEndpoints(endpoints: readonly Endpoint[]): string {
  const offered = endpoints.filter(({ notYet }) => notYet === undefined);
  const missing = endpoints.filter(({ notYet }) => notYet !== undefined);
  const rows = offered.map(
    (endpoint) =>
      `| \`${endpoint.method} /v1${endpoint.path}\` | ${rangeOf(endpoint)} | ${endpoint.status} | \`${endpoint.policy}\` | ${endpoint.summary} |`,
  );
  const missingRows = missing.map(({ method, path, notYet }) => `| \`${method} /v1${path}\` | ${notYet} |`);
  return [
    preface,
    '## Endpoints',
    '',
    '| request | versions | success | policy rule | what it does |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    '## Parameters',
    '',
    '`query` parameters are checked in the query string, `merged` ones in query string and body together, `body` ones in',
    'the body. An endpoint that is not listed takes none, or ignores them.',
    '',
    ...offered.flatMap(parametersOf),
    ...consoles,
    '## Not offered yet',
    '',
    'These answer 501 and say what is missing.',
    '',
    '| request | part of |',
    '|---|---|',
    ...missingRows,
    '',
    ...policyTable(),
    ...statusTables(),
  ].join('\n');
}

const consoles = [
  '## Consoles',
  '',
  '`attach` and `execute?run=false` answer an address, `ws://…/console?token=…&uuid=…` (and `&exec_id=…`), or `wss://…` where this API is reached over',
  'TLS. A WebSocket there talks with the container’s own process (created with `interactive`), or with the command, which starts then;',
  '`interactive=true` gives it a terminal and an input. The token opens this one console, once, within `consoles.tokenSeconds` (90), and counts for nothing',
  'when its user may no longer use the project. `resize` and `execute_resize` set the size of the terminal.',
  '',
  '- Bytes go as they are, in binary messages (subprotocol `binary`, or none; text messages are taken, too), or as text in base64',
  '  (subprotocol `base64`). A message has at most 256 KiB. Who reads slowly slows the container down; nothing is lost.',
  '- Refused before the connection becomes a socket, as other requests are: 401 without a token, 403 `console-token-refused`, 403',
  '  `origin-not-allowed` for pages of other web sites, 400 for other subprotocols, 409 in another status, 426 for what is no WebSocket.',
  '- Closed with 1000 when the process has ended (`Target closed`; of a command `Target closed: exit code N`), 1001 when the server stops, 1007 for',
  '  what is no base64, 1008 when the user may no longer use it or nothing was said for `consoles.idleSeconds`, 1009 for too long a message, 1011',
  '  when the connection to the container broke.',
  '- Who leaves a container leaves it running; on its terminal Ctrl-P Ctrl-Q leaves, too. Who leaves a command hangs it up: SIGHUP, and after five seconds',
  '  SIGKILL; Ctrl-P Ctrl-Q ends it.',
  '',
  'The log goes over a WebSocket, too: `GET /v1/containers/:ident/logs?follow=true` from 1.41, with `X-Auth-Token` like every request and',
  'an upgrade. What the client says there is not listened to.',
  '',
] as const;

function rangeOf({ since = minimumMinor, until = maximumMinor, again }: Endpoint): string {
  const anew = again === undefined ? '' : `, from ${versionText(again)}`;
  if (until < maximumMinor) return `${versionText(since)} to ${versionText(until)}${anew}`;
  return since > minimumMinor ? `from ${versionText(since)}` : 'all';
}

function parametersOf(endpoint: Endpoint): string[] {
  const kinds = ['query', 'merged', 'body'] as const;
  const rows = [
    ...(endpoint.parameters ?? []).map((name) => `| \`${name}\` | query |  | |`),
    ...(endpoint.ownParameters ?? []).map((name) => `| \`${name}\` | query | ${versionText(ownMinor)} | |`),
    ...kinds.flatMap((kind) => fieldRows(kind, endpoint[kind] ?? {})),
  ];
  if (rows.length === 0) return [];
  return [
    `### \`${endpoint.method} /v1${endpoint.path}\``,
    '',
    '| parameter | in | since | rule |',
    '|---|---|---|---|',
    ...rows,
    '',
  ];
}

function fieldRows(kind: string, fields: Fields): string[] {
  return Object.entries(fields).map(([name, field]) => {
    const required = field.required ? ' (required)' : '';
    const since = field.since === undefined ? '' : versionText(field.since);
    return `| \`${name}\`${required} | ${kind} | ${since} | ${ruleOf(field)} |`;
  });
}

function ruleOf({ schema, policy }: Field): string {
  const text = schemaText(schema as unknown as Record<string, unknown>);
  const rule = policy === undefined ? '' : `; needs \`${policy}\``;
  return `${text}${rule}`;
}

/** Short, not complete: type, words, length and pattern. */
function schemaText(schema: Record<string, unknown>): string {
  const { type, enum: words, minLength, maxLength, pattern, maxItems } = schema;
  const parts = [
    type === undefined ? '' : [type].flat().join(' or '),
    Array.isArray(words) ? wordsText(words) : '',
    minLength === undefined ? '' : `at least ${minLength} characters`,
    maxLength === undefined ? '' : `at most ${maxLength} characters`,
    maxItems === undefined ? '' : `at most ${maxItems} items`,
    typeof pattern === 'string' ? `matches \`${pattern.replaceAll('|', '\\|')}\`` : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join(', ') : 'anything';
}

const shownWords = 12;

function wordsText(words: readonly unknown[]): string {
  const texts = words.map((word) => (typeof word === 'string' ? word : JSON.stringify(word)));
  const more = words.length > shownWords ? ' …' : '';
  return `one of ${texts.slice(0, shownWords).join(', ')}${more}`;
}

/** Every rule with its default. */
function policyTable(): string[] {
  const rows = new Policy()
    .list()
    .filter(({ rule }) => !isNetworkRule(rule))
    .map(({ rule, text }) => `| \`${rule}\` | \`${text}\` |`);
  return [
    '## Policy rules',
    '',
    'Who may do what, in the rule language of oslo.policy. A `policy.yaml` replaces any of them:',
    '[operations](operations.md#who-may-do-what). `container:get_one:<field>` hides a field of containers. Those of networks are in the',
    '[network API](network-api.md#policy-rules).',
    '',
    '| rule | default |',
    '|---|---|',
    ...rows,
    '',
  ];
}

/** In which status what may be done, and how long what is under way may take. */
function statusTables(): string[] {
  const actions = Object.entries(allowedIn) as [string, readonly string[]][];
  const rows = actions.map(
    ([action, allowed]) =>
      `| ${action} | ${containerStatuses.map((status) => (allowed.includes(status) ? 'yes' : '')).join(' | ')} |`,
  );
  const ends = Object.entries(operationTable).map(
    ([verb, { shows, task, seconds, becomes, recovery, settles }]) =>
      `| ${verb} | ${shows ?? ''} | ${task ?? ''} | ${seconds / 60} min | ${becomes ?? 'as Docker has it'} | ${recovery} | ${settles.join(' or ')} |`,
  );
  return [
    '## Statuses',
    '',
    'What may be done in which status; the rest is 409 `invalid-state-exception`. Actions that are not listed may be done in any.',
    '',
    `| action | ${containerStatuses.join(' | ')} |`,
    `|---|${containerStatuses.map(() => '---').join('|')}|`,
    ...rows,
    '',
    'An operation that is under way outlives every crash, and fails when it has not ended in time, with a reason. The time that the owner gave',
    'it (`timeout`) is added. A request whose answer was lost in a crash has been taken up as a whole or not at all.',
    '',
    '| operation | status meanwhile | task state | ends within | if not, it is | after a crash | which ends in |',
    '|---|---|---|---|---|---|---|',
    ...ends,
    '',
  ];
}
