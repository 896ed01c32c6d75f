/** What measures share: the container that they start, and networks for it. */
import type { Cloud } from '../../src/client/cloud.ts';
import { untilRunning } from './records.ts';

export const image = 'busybox';
/** Ends at once when it is told to stop. */
export const command = ['sh', '-c', "trap 'exit 0' TERM; sleep 3600 & wait"];
export const memoryMiB = 32;
export const cpu = 0.1;

/** Returns its id. */
export async function makeNetwork({ networks }: Cloud, cidr: string): Promise<string> {
  const { id } = await networks.create('networks', { name: 'bench' });
  await networks.create('subnets', { network_id: id, ip_version: 4, cidr });
  return id;
}

/** A container that stays: its network is on this host from now on, as Docker's bridge is. Returns its id. */
export async function occupy(cloud: Cloud, network: string, name: string): Promise<string> {
  const request = { name, image, command, memory: String(memoryMiB), cpu, nets: [{ network }] };
  const { uuid } = await cloud.containers.create(request, { run: true });
  await untilRunning(cloud, name, 1);
  return uuid;
}
