/** Options of `run` and `create` that limit and set up the processes of a container: spelled as docker's, sent from microversion 1.41 on. */
import type { ContainerRequest, OwnField } from '../client/container-types.ts';
import { collect, integer, number, type OptionRow } from './define.ts';
import { memoryMiB, pairs } from './spelled.ts';
import { UsageError } from './usage-error.ts';

export interface ProcessOptions {
  readonly cpuLimit?: number;
  readonly pidsLimit?: number;
  readonly ulimit?: readonly string[];
  readonly shmSize?: string;
  readonly tmpfs?: readonly string[];
  readonly readOnly?: boolean;
  readonly user?: string;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly sysctl?: readonly string[];
  readonly addHost?: readonly string[];
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly stopSignal?: string;
  readonly stopTimeout?: number;
  readonly init?: boolean;
}

export const processOptions: readonly OptionRow[] = [
  ['--cpu-limit <number>', 'cores that it can use at most, however idle its host is', number],
  ['--pids-limit <number>', 'processes and threads at most', integer],
  ['--ulimit <K=soft[:hard]>', 'limit of each process: nofile=1024:2048 (repeatable)', collect],
  ['--shm-size <MiB>', 'size of /dev/shm: 128, 1G'],
  ['--tmpfs <path[:size]>', 'a folder in memory: /run:64M (repeatable)', collect],
  ['--read-only', 'nothing can write to its root'],
  ['-u, --user <name>', 'user[:group] that runs it'],
  ['--cap-add <name>', 'capability it gets (repeatable)', collect],
  ['--cap-drop <name>', 'capability it loses, or ALL (repeatable)', collect],
  ['--sysctl <K=V>', 'kernel setting of its own (repeatable)', collect],
  ['--add-host <name:address>', 'entry of its /etc/hosts (repeatable)', collect],
  ['--dns <address>', "DNS server, instead of its networks' (repeatable)", collect],
  ['--dns-search <domain>', 'search domain (repeatable)', collect],
  ['--stop-signal <name>', 'signal that stops it'],
  ['--stop-timeout <seconds>', 'how long it may take to stop', integer],
  ['--init', 'an init process reaps what its children leave'],
];

export function processRequest(options: ProcessOptions): {
  readonly [Name in OwnField]: ContainerRequest[Name] | undefined;
} {
  const { ulimit, shmSize, tmpfs, sysctl, addHost } = options;
  return {
    cpu_limit: options.cpuLimit,
    pids_limit: options.pidsLimit,
    ulimits: ulimit && Object.fromEntries(ulimit.map(ulimitOf)),
    shm_size: shmSize === undefined ? undefined : Number(memoryMiB('--shm-size', shmSize)),
    tmpfs: tmpfs && Object.fromEntries(tmpfs.map(tmpfsOf)),
    read_only: options.readOnly,
    user: options.user,
    cap_add: options.capAdd,
    cap_drop: options.capDrop,
    sysctls: sysctl && pairs('--sysctl', sysctl),
    extra_hosts: addHost && Object.fromEntries(addHost.map(hostOf)),
    dns: options.dns,
    dns_search: options.dnsSearch,
    stop_signal: options.stopSignal,
    stop_grace: options.stopTimeout,
    init: options.init,
  };
}

function ulimitOf(text: string): [string, { soft: number; hard: number }] {
  const [, name, soft, hard = soft] = /^(\w+)=(\d+)(?::(\d+))?$/.exec(text) ?? [];
  if (name === undefined) throw new UsageError(`--ulimit ${text}: expected NAME=SOFT[:HARD]`);
  return [name, { soft: Number(soft), hard: Number(hard) }];
}

function tmpfsOf(text: string): [string, { size?: number }] {
  const [path = '', size] = text.split(':');
  return [path, size === undefined ? {} : { size: Number(memoryMiB('--tmpfs', size)) }];
}

/** The address may have colons of its own. */
function hostOf(text: string): [string, string] {
  const at = text.indexOf(':');
  if (at < 1) throw new UsageError(`--add-host ${text}: expected NAME:ADDRESS`);
  return [text.slice(0, at), text.slice(at + 1)];
}
