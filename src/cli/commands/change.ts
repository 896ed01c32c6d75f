/** Commands that change containers: the cloud answers at once, and the action log tells how it ended. */
import type { ContainerChanges, Verb } from '../../client/container-types.ts';
import type { Query } from '../../client/http.ts';
import { operationRow } from '../../model/operation-table.ts';
import { type Call, define, integer, number, type OptionRow, type Setting } from '../define.ts';
import { forEachOperand } from '../several.ts';
import { memoryMiB } from '../spelled.ts';
import { UsageError } from '../usage-error.ts';
import { waitForAction } from '../wait.ts';
import { showContainer } from './container-view.ts';

interface VerbOptions {
  readonly wait?: boolean;
  readonly time?: number;
  readonly signal?: string;
}

interface VerbRow {
  readonly word: string;
  readonly verb: Verb;
  readonly summary: string;
  /** What is said when it is done. */
  readonly done: string;
  readonly options?: readonly OptionRow[];
}

export const noWait: OptionRow = ['--no-wait', 'return as soon as the cloud has accepted it'];
const grace: OptionRow = [
  '-t, --time <seconds>',
  'how long it may take to end by itself before it is killed (10)',
  integer,
];

const verbs: readonly VerbRow[] = [
  { word: 'start', verb: 'start', summary: 'start containers', done: 'started' },
  { word: 'stop', verb: 'stop', summary: 'stop containers', done: 'stopped', options: [grace] },
  {
    word: 'restart',
    verb: 'reboot',
    summary: 'stop and start containers',
    done: 'restarted',
    options: [grace],
  },
  { word: 'pause', verb: 'pause', summary: 'freeze containers', done: 'paused' },
  { word: 'unpause', verb: 'unpause', summary: 'let paused containers go on', done: 'unpaused' },
  {
    word: 'kill',
    verb: 'kill',
    summary: 'send a signal to containers',
    done: 'signalled',
    options: [['-s, --signal <signal>', 'name or number (SIGKILL)']],
  },
];

export function commands(setting: Setting): void {
  for (const row of verbs) {
    define<VerbOptions>(setting, {
      usage: `${row.word} <container...>`,
      summary: row.summary,
      options: [...(row.options ?? []), noWait],
      examples: [`berth ${row.word} web`, `berth ${row.word} --no-wait web db`],
      run: (call) => act(call, row),
    });
  }

  define(setting, {
    usage: 'rename <container> <name>',
    summary: 'give a container another name',
    examples: ['berth rename web shop'],
    run: async ({ cloud, operands, progress }) => {
      const [container = '', name = ''] = operands;
      await (await cloud()).containers.update(container, { name });
      progress.note(`${container}: renamed to ${name}`);
      return undefined;
    },
  });

  define<UpdateOptions>(setting, {
    usage: 'update <container>',
    summary: 'change the limits or the name of a container',
    options: [
      ['--cpu <number>', 'cores', number],
      ['-m, --memory <MiB>', 'memory'],
      ['-n, --name <name>', 'name'],
      ['--auto-heal', 'start it again when it vanishes'],
      ['--no-auto-heal', 'do not'],
    ],
    prints: true,
    examples: ['berth update --cpu 2 -m 2048 web'],
    run: async (call) => {
      const changes = changesOf(call.options);
      const cloud = await call.cloud();
      await showContainer(call, cloud, await cloud.containers.update(call.operands[0] ?? '', changes));
      return undefined;
    },
  });
}

interface UpdateOptions {
  readonly cpu?: number;
  readonly memory?: string;
  readonly name?: string;
  readonly autoHeal?: boolean;
}

function changesOf({ cpu, memory, name, autoHeal }: UpdateOptions): ContainerChanges {
  const changes = {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory: memoryMiB('--memory', memory) }),
    ...(name === undefined ? {} : { name }),
    ...(autoHeal === undefined ? {} : { auto_heal: autoHeal }),
  };
  if (Object.keys(changes).length === 0) {
    throw new UsageError('update: nothing to change; give --cpu, --memory, --name or --auto-heal');
  }
  return changes;
}

async function act(call: Call<VerbOptions>, row: VerbRow): Promise<number> {
  const cloud = await call.cloud();
  const { time, signal, wait } = call.options;
  const query: Query = { timeout: time, signal };
  return forEachOperand(call, row.word, async (name) => {
    const requestId = await cloud.containers.act(name, row.verb, query);
    if (wait === false) return `${name}: accepted`;
    const { world, progress } = call;
    const seconds = operationRow(row.verb).seconds + (time ?? 0);
    await waitForAction({ cloud, world, progress, seconds }, name, requestId);
    return `${name}: ${row.done}`;
  });
}
