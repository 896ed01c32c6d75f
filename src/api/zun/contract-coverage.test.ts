/** That the contract covers every row of Zun's tables, that what is built is what they say, and the page that shows it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Row } from '../../../test/contract/row.ts';
import {
  unaskedPolicies,
  unaskedQuirks,
  unseenVersions,
  zunAllowed,
  zunAnywhere,
  zunErrors,
  zunOpenRoutes,
  zunPolicies,
  zunRouterStatuses,
  zunRoutes,
  zunStatuses,
  zunTaskStates,
} from '../../../test/contract/zun-reference.ts';
import { contractRows } from '../../../test/contract/zun-rows.ts';
import { callerOf, createWorld } from '../../../test/helpers/container-world.ts';
import { Policy, type PolicyRule } from '../../control/policy.ts';
import { allowedIn, containerStatuses, taskStates } from '../../model/container.ts';
import type { Endpoint } from './endpoint.ts';
import { zunEndpoints } from './endpoints.ts';
import { isInRange, ownMinor } from './microversion.ts';

const endpoints = await listEndpoints();
const rows = contractRows(endpoints);
const notCommitted = 'committing is not offered yet: 501';

async function listEndpoints(): Promise<Endpoint[]> {
  const world = await createWorld();
  try {
    return zunEndpoints(world.control);
  } finally {
    await world.close();
  }
}

const requestsOf = (area: Row['area'], of: string) =>
  rows.filter((row) => row.area === area && row.of === of).length;

/** What has neither a request nor a reason why there is none, or has both. */
function uncovered(
  area: Row['area'],
  names: readonly string[],
  reasons: Readonly<Record<string, unknown>> = {},
) {
  return names.filter((of) => requestsOf(area, of) > 0 === (reasons[of] !== undefined));
}

test('every endpoint has a row, and each of Zun’s is offered in the versions in which Zun has it', () => {
  const keyOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;
  assert.deepEqual(uncovered('endpoint', [...endpoints.map(keyOf), ...zunOpenRoutes]), []);
  for (const [method, path, since = 1, until = ownMinor - 1] of zunRoutes) {
    const endpoint = endpoints.find((each) => keyOf(each) === `${method} ${path}`);
    assert.ok(endpoint, `${method} ${path}`);
    const offered = Array.from({ length: ownMinor - 1 }, (_, index) => index + 1).filter((minor) =>
      isInRange(minor, endpoint),
    );
    assert.deepEqual([offered.at(0), offered.at(-1)], [since, until], `${method} ${path}`);
  }
  const zuns = new Set<string>(zunRoutes.map(([method, path]) => `${method} ${path}`));
  const others = endpoints.filter((each) => isInRange(ownMinor - 1, each) && !zuns.has(keyOf(each)));
  assert.deepEqual(
    others.map(keyOf),
    ['GET /policies', 'GET /policies/:action/explain'],
    'below 1.41 there is nothing else',
  );
});

test('every error of Zun has a row with its status, or a reason why it cannot occur', () => {
  const reasons = Object.fromEntries(Object.entries(zunErrors).map(([code, [, why]]) => [code, why]));
  assert.deepEqual(uncovered('error', Object.keys(zunErrors), reasons), []);
  const routed = zunRouterStatuses.map((status) => `(none) ${status}`);
  assert.deepEqual(uncovered('error', routed), []);
  for (const { area, of, status } of rows)
    if (area === 'error' && zunErrors[of]) assert.equal(status, zunErrors[of][0], of);
});

test('every microversion of Zun has a row, or a reason why it cannot be seen', () => {
  const versions = Array.from({ length: ownMinor - 2 }, (_, index) => `1.${index + 2}`);
  assert.deepEqual(uncovered('microversion', versions, unseenVersions), []);
});

test('every rule of Zun has its default, and a row or a reason why nobody asks it', () => {
  assert.deepEqual(uncovered('policy', Object.keys(zunPolicies), unaskedPolicies), []);
  const policy = new Policy();
  const target = { projectId: 'alice' };
  const who = [callerOf('admin', true), callerOf('alice'), callerOf('bob')];
  const expected = { owner: [true, true, false], admin: [true, false, false], nobody: [false, false, false] };
  for (const [rule, byDefault] of Object.entries(zunPolicies)) {
    const allowed = who.map((caller) => policy.allows(caller, rule as PolicyRule, target));
    assert.deepEqual(allowed, expected[byDefault], rule);
  }
});

test('statuses, task states, and what is allowed in which are Zun’s', () => {
  assert.deepEqual(containerStatuses, zunStatuses);
  assert.deepEqual(taskStates, zunTaskStates);
  const sorted = (table: Readonly<Record<string, readonly string[]>>) =>
    Object.fromEntries(Object.entries(table).map(([action, statuses]) => [action, [...statuses].sort()]));
  const { default_gateway: _own, ...shared } = allowedIn;
  assert.deepEqual(sorted(shared), sorted(zunAllowed));
  assert.deepEqual(
    uncovered('status', [...Object.keys(zunAllowed), ...zunAnywhere], { commit: notCommitted }),
    [],
  );
});

test('the page of the rows is the one that is written', () => {
  const page = join(import.meta.dirname, '../../../docs/guide/container-contract.md');
  const text = describeRows();
  if (process.env.UPDATE_DOCS) writeFileSync(page, text);
  assert.equal(readFileSync(page, 'utf8'), text);
});

function describeRows(): string {
  const nameOf = (area: Row['area'], of: string) => `| ${area} | ${area === 'quirk' ? of : `\`${of}\``} |`;
  const groups = Map.groupBy(rows, ({ area, of }) => nameOf(area, of));
  const asked = [...groups].map(([name, list]) => `${name} ${list.length} | |`);
  const unasked = (area: Row['area'], reasons: Readonly<Record<string, string | undefined>>) =>
    Object.entries(reasons).flatMap(([of, why]) => (why ? [`${nameOf(area, of)} | ${why} |`] : []));
  const errorReasons = Object.fromEntries(Object.entries(zunErrors).map(([code, [, why]]) => [code, why]));
  return [
    '# Container contract',
    '',
    'What the container API promises is a table of requests and answers, `test/contract/`; `npm test -- contract` asks each of them and compares',
    'status, headers, code, words and shape. It covers every row of Zun’s tables of endpoints, microversions, errors, policy rules and statuses',
    '(`test/contract/zun-reference.ts`), and what Zun gets wrong; what cannot be asked says why. This page is written by that test with',
    '`UPDATE_DOCS=1`. `npm run fuzz -- --requests N --seed S` asks at random besides: no answer is an internal error, nobody reads or changes what',
    'is not theirs, and what is refused changes nothing. The last long run asked 1,000,000 requests from seed 20261126.',
    '',
    '| table | row | requests | why none |',
    '|---|---|---|---|',
    ...asked,
    ...unasked('microversion', unseenVersions),
    ...unasked('error', errorReasons),
    ...unasked('policy', unaskedPolicies),
    ...unasked('status', { commit: notCommitted }),
    ...unasked('quirk', unaskedQuirks),
    '',
  ].join('\n');
}
