/** /containers/:ident/<verb>: what a container can be told and asked, and its action log. */

import { Readable } from 'node:stream';
import type { ExecuteAsk } from '../../../control/container/ask-agent.ts';
import type { ContainerControl } from '../../../control/container/control.ts';
import type { PowerVerb } from '../../../control/container/operate.ts';
import type { ContainerOperation, OperationArgs } from '../../../model/container-record.ts';
import { Failure, isFailure } from '../../../model/failure.ts';
import { looksLikeUuid } from '../../../model/ids.ts';
import { splitShellWords } from '../../../model/shell-words.ts';
import { consoleUrl } from '../console.ts';
import { toPreciseTime } from '../container-view.ts';
import { type Call, checkFields, type Endpoint, type Fields, type Input, type Reply } from '../endpoint.ts';
import { ownMinor } from '../microversion.ts';
import * as v from '../vocabulary.ts';
import { identOf } from './containers.ts';

interface PowerRow {
  readonly verb: PowerVerb;
  readonly summary: string;
  readonly query?: Fields;
  readonly merged?: Fields;
}

const executeCommand = { command: { schema: v.command } };
/** From 1.41; before, a body may bring anything. */
const executeBody = {
  ...executeCommand,
  run: { schema: v.plainBoolean },
  interactive: { schema: v.plainBoolean },
  stdin: { schema: v.stdin, since: ownMinor },
  environment: { schema: v.environment, since: ownMinor },
  user: { schema: v.userName, since: ownMinor },
  workdir: { schema: v.absolutePath, since: ownMinor },
  timeout: { schema: v.commandSeconds, since: ownMinor },
} as const satisfies Fields;
const timeout = { timeout: { schema: v.timeout } };

const powerVerbs: readonly PowerRow[] = [
  { verb: 'start', summary: 'Start a container' },
  { verb: 'stop', summary: 'Stop a container', query: timeout },
  { verb: 'reboot', summary: 'Restart a container', query: timeout },
  { verb: 'pause', summary: 'Freeze all processes of a container' },
  { verb: 'unpause', summary: 'Let a paused container go on' },
  {
    verb: 'kill',
    summary: 'Send a signal to a container',
    merged: { signal: { schema: v.signal } },
  },
];

export function verbEndpoints(control: ContainerControl): Endpoint[] {
  return [
    ...powerVerbs.map((row) => powerEndpoint(control, row)),
    rebuildEndpoint(control),
    ...questionEndpoints(control),
    ...actionEndpoints(control),
  ];
}

function powerEndpoint(control: ContainerControl, { verb, ...row }: PowerRow): Endpoint {
  return {
    ...row,
    method: 'POST',
    path: `/containers/:ident/${verb}`,
    policy: `container:${verb}`,
    checksPolicyItself: true,
    status: 202,
    async handle(call) {
      await control.operate(call.caller, identOf(call), verb, argsOf(verb, call.input));
      return { body: null };
    },
  };
}

/** Only what the verb knows: other verbs take no parameters, and their input is not checked. */
function argsOf(verb: PowerVerb, { timeout: seconds, signal }: Input): OperationArgs {
  if (verb === 'kill') {
    return signal === undefined || signal === null || signal === 'None' ? {} : { signal: String(signal) };
  }
  if (verb !== 'stop' && verb !== 'reboot') return {};
  if (seconds === undefined || seconds === '' || !/^\d{1,6}$/.test(String(seconds))) return {};
  return { timeoutSeconds: Number(seconds) };
}

function rebuildEndpoint(control: ContainerControl): Endpoint {
  return {
    method: 'POST',
    path: '/containers/:ident/rebuild',
    summary: 'Make a container anew, from another image if one is given; ports and addresses stay',
    policy: 'container:rebuild',
    checksPolicyItself: true,
    merged: { image: { schema: v.image }, image_driver: { schema: v.anyValue } },
    status: 202,
    async handle(call) {
      const { image, image_driver: driver } = call.input;
      if (driver !== undefined && driver !== 'docker' && driver !== 'glance') {
        const shown = typeof driver === 'string' ? driver : JSON.stringify(driver);
        throw new Failure('validation-error', `Invalid image_driver ${shown}: it must be docker or glance`);
      }
      await control.rebuild(call.caller, identOf(call), {
        ...(image === undefined ? {} : { image: String(image) }),
        ...(driver === undefined ? {} : { imageDriver: driver as 'docker' | 'glance' }),
      });
      return { body: null };
    },
  };
}

function questionEndpoints(control: ContainerControl): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/containers/:ident/logs',
      summary:
        'What the container has written, as one JSON string; with follow=true as text, or over a WebSocket, until it ends; from 1.41 on by its uuid also when it is deleted',
      policy: 'container:logs',
      checksPolicyItself: true,
      query: {
        stdout: { schema: v.extendedBoolean },
        stderr: { schema: v.extendedBoolean },
        timestamps: { schema: v.extendedBoolean },
        tail: { schema: v.tail },
        since: { schema: v.since },
        follow: { schema: v.extendedBoolean, since: ownMinor, below: 'unknown' },
      },
      status: 200,
      overWebSocket: true,
      async handle(call) {
        const { timestamps, tail, since, follow } = call.query;
        const stdout = v.isTrue(call.query.stdout, true);
        const stderr = v.isTrue(call.query.stderr, true);
        if (!stdout && !stderr) {
          throw new Failure('invalid-value', 'stdout and stderr are both false: there is nothing to show');
        }
        const asked = {
          stdout,
          stderr,
          timestamps: v.isTrue(timestamps),
          tail: /^\d{1,9}$/.test(String(tail)) ? Number(tail) : null,
          since: toUnixSeconds(since),
        };
        const ident = identOf(call);
        const isFollowed = v.isTrue(follow);
        try {
          if (!isFollowed) return { body: await control.logs(call.caller, ident, asked) };
          return asText(await control.followLogs(call.caller, ident, asked));
        } catch (error) {
          const mayBeDeleted = call.version >= ownMinor && looksLikeUuid(ident);
          if (!mayBeDeleted || !isFailure(error, 'container-not-found')) throw error;
        }
        const kept = await control.deleted.logs(call.caller, ident, asked);
        return isFollowed ? asText(Readable.from([kept])) : { body: kept };
      },
    },
    {
      method: 'POST',
      path: '/containers/:ident/execute',
      summary:
        'Run a command in the container and wait for its output; with run=false get the address of a console for it',
      policy: 'container:execute',
      checksPolicyItself: true,
      query: {
        ...executeCommand,
        run: { schema: v.plainBoolean },
        interactive: { schema: v.plainBoolean },
      },
      body: executeBody,
      bodySince: ownMinor,
      status: 200,
      async handle(call) {
        const { isTalkedWith, text, ...command } = commandOf(call);
        if (isTalkedWith) {
          const key = await control.consoles.prepareExec(call.caller, identOf(call), command);
          const proxyUrl = consoleUrl(call.baseUrl, key);
          return { body: { output: null, exit_code: null, exec_id: key.execId, proxy_url: proxyUrl } };
        }
        const { output, exitCode } = await control.execute(call.caller, identOf(call), { text, ...command });
        return { body: { output, exit_code: exitCode, exec_id: null, proxy_url: null } };
      },
    },
    {
      method: 'GET',
      path: '/containers/:ident/top',
      summary: 'Processes of the container',
      policy: 'container:top',
      checksPolicyItself: true,
      query: { ps_args: { schema: v.text } },
      status: 200,
      async handle(call) {
        const { ps_args: psArgs } = call.query;
        const asked = psArgs === undefined || psArgs === 'None' || psArgs === '' ? null : String(psArgs);
        const { titles, processes } = await control.top(call.caller, identOf(call), asked);
        return { body: { Titles: titles, Processes: processes } };
      },
    },
    {
      method: 'GET',
      path: '/containers/:ident/stats',
      summary: 'CPU, memory and I/O of the container',
      policy: 'container:stats',
      checksPolicyItself: true,
      status: 200,
      async handle(call) {
        const stats = await control.stats(call.caller, identOf(call));
        return {
          body: {
            CONTAINER: stats.name,
            'CPU %': stats.cpuPercent,
            'MEM USAGE(MiB)': stats.memoryUsedMiB,
            'MEM LIMIT(MiB)': stats.memoryLimitMiB,
            'MEM %': stats.memoryPercent,
            'BLOCK I/O(B)': `${stats.blockReadBytes}/${stats.blockWriteBytes}`,
            'NET I/O(B)': `${stats.netRxBytes}/${stats.netTxBytes}`,
          },
        };
      },
    },
  ];
}

function asText(stream: Readable): Reply {
  return { stream, contentType: 'text/plain; charset=utf-8' };
}

/** Throws `schema-validation-error` without a command, `invalid-value` for what does not go together. */
function commandOf({ input, query, body, version }: Call): ExecuteAsk & { readonly isTalkedWith: boolean } {
  // Said in both, as clients do that are made from the OpenAPI document: the body counts, since it was checked.
  const said = version >= ownMinor ? { ...query, ...body } : input;
  const { command, run, interactive } = said as Input & { readonly command?: string };
  if (command === undefined) {
    throw new Failure('schema-validation-error', "'command' is a required property");
  }
  // Clients send it in the body, too, which the query's schema does not see.
  checkFields(executeCommand, { command }, { version, where: 'body' });
  const words = splitShellWords(command);
  if (words.length === 0) throw new Failure('invalid-value', 'command: it has no words');
  const options = version >= ownMinor ? executeOptions(body) : {};
  const isTalkedWith = !v.isTrue(run, true);
  const tty = v.isTrue(interactive);
  if (options.stdin !== undefined && (isTalkedWith || tty)) {
    throw new Failure(
      'invalid-value',
      'stdin: not with run=false or interactive=true, which read what is typed',
    );
  }
  if (options.timeoutSeconds !== undefined && isTalkedWith) {
    throw new Failure('invalid-value', 'timeout: not with run=false, which waits for nobody');
  }
  return { isTalkedWith, text: command, words, ...(tty ? { tty } : {}), ...options };
}

function executeOptions({ stdin, environment, user, workdir, timeout: seconds }: Input): Partial<ExecuteAsk> {
  return {
    ...(stdin === undefined ? {} : { stdin: String(stdin) }),
    ...(environment ? { environment: environment as Record<string, string> } : {}),
    ...(user === undefined ? {} : { user: String(user) }),
    ...(workdir === undefined ? {} : { workdir: String(workdir) }),
    ...(seconds === undefined ? {} : { timeoutSeconds: Number(seconds) }),
  };
}

function toUnixSeconds(since: unknown): number | null {
  if (since === undefined || since === 'None') return null;
  const text = String(since);
  if (/^\d+$/.test(text)) return Number(text);
  const milliseconds = Date.parse(`${text.replace(' ', 'T').replace(',', '.')}Z`);
  if (!Number.isNaN(milliseconds)) return milliseconds / 1000;
  throw new Failure('invalid-value', `since: '${text}' is not a time`);
}

/** Changes of resources are not in the log, as in Zun. */
const unrecorded: readonly string[] = ['update'];

function actionEndpoints(control: ContainerControl): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/containers/:ident/container_actions',
      summary: 'What was done to the container, newest first',
      policy: 'container:actions',
      checksPolicyItself: true,
      status: 200,
      async handle(call) {
        const actions = await control.actions(call.caller, identOf(call));
        const recorded = actions.filter(({ verb }) => !unrecorded.includes(verb));
        return { body: { containerActions: recorded.map(toAction) } };
      },
    },
    {
      method: 'GET',
      path: '/containers/:ident/container_actions/:request',
      summary: 'One action, by the id of the request that began it',
      policy: 'container:actions',
      checksPolicyItself: true,
      status: 200,
      async handle(call) {
        const action = await control.action(call.caller, identOf(call), call.path.request ?? '');
        const seesReason = control.policy.allows(call.caller, 'container:action:events', action);
        return { body: { ...toAction(action), events: [toEvent(action, seesReason)] } };
      },
    },
  ];
}

function toAction(action: ContainerOperation) {
  return {
    action: action.verb,
    container_uuid: action.containerUuid,
    project_id: action.projectId,
    user_id: action.userId,
    request_id: action.requestId,
    start_time: toPreciseTime(action.startedAt),
    finish_time: toPreciseTime(action.finishedAt),
    message: action.result === 'Error' ? 'Error' : null,
  };
}

function toEvent(action: ContainerOperation, seesReason: boolean) {
  return {
    event: `compute__do_container_${action.verb}`,
    start_time: toPreciseTime(action.startedAt),
    finish_time: toPreciseTime(action.finishedAt),
    result: action.result,
    traceback: seesReason ? action.message : null,
  };
}
