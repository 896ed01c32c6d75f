/** Where traffic is sent from and to: the network namespaces of containers, and a machine outside on a link of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import Docker from 'dockerode';

const run = promisify(execFile);
const docker = new Docker();

/** The words before a command that run it there. */
export type Place = readonly string[];

/** This machine's address on the link to the one outside. */
export const hostAddress = '198.51.100.1';

/** By the name or id of its Docker object. */
export async function placeOf(container: string): Promise<Place> {
  const { State } = await docker.getContainer(container).inspect();
  return ['nsenter', '-t', String(State.Pid), '-n'];
}

/** Beyond this machine, which is its way to everything else. */
export async function makeOutside(): Promise<Place> {
  const inside = ['-n', 'outside'];
  for (const args of [
    ['netns', 'add', 'outside'],
    ['link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'outside'],
    ['address', 'add', `${hostAddress}/24`, 'dev', 'uplink'],
    ['link', 'set', 'uplink', 'up'],
    [...inside, 'address', 'add', '198.51.100.2/24', 'dev', 'eth0'],
    [...inside, 'link', 'set', 'eth0', 'up'],
    [...inside, 'route', 'add', 'default', 'via', hostAddress],
  ]) {
    await run('ip', args);
  }
  return ['ip', 'netns', 'exec', 'outside'];
}

export async function at(place: Place, ...command: readonly string[]): Promise<string> {
  const [file = '', ...args] = [...place, ...command];
  return (await run(file, args)).stdout;
}

/** A program that says a line when it is ready, and runs on. */
export async function start(place: Place, ...command: readonly string[]): Promise<ChildProcess> {
  const [file = '', ...args] = [...place, ...command];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  return child;
}
