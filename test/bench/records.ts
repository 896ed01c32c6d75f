/**
 * What the API's records say, asked as cheaply as can be: whoever measures shares the machine's cores with what is
 * measured. Asking each container would be work for Docker besides.
 */
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cloud } from '../../src/client/cloud.ts';
import { until } from '../helpers/until.ts';

/** For a thousand of them. */
const patienceMs = 600_000;

const agent = new http.Agent({ keepAlive: true });

export type Statuses = readonly { readonly status: string; readonly status_reason: string | null }[];

/** Resolves when all containers of the name run, or as soon as one has failed: throws then. */
export async function untilRunning(cloud: Cloud, name: string, count: number): Promise<void> {
  // Not before it can be true, and then often enough to see it soon: each look takes time from what is looked at.
  await delay(count === 1 ? 120 : 1_000);
  const everyMs = count === 1 ? 8 : 40;
  const all = await until(
    `${count} containers run`,
    async () => {
      const found = await statusesOf(cloud, name);
      const isOver = found.length === count && found.every(({ status }) => status === 'Running');
      return (isOver || found.some(isFailed)) && found;
    },
    { everyMs },
  );
  const failed = all.find(isFailed);
  if (failed) throw new Error(`a container failed: ${failed.status_reason}`);
}

/** None waits to be made any more; throws when one could not be. */
export async function untilMade(cloud: Cloud, name: string): Promise<Statuses> {
  const all = await until(
    'they are made',
    async () => {
      const found = await statusesOf(cloud, name);
      return found.every(({ status }) => status !== 'Creating') && found;
    },
    { everyMs: 200, patienceMs },
  );
  const failed = all.find(isFailed);
  if (failed) throw new Error(`a container failed: ${failed.status_reason}`);
  return all;
}

export async function untilGone(cloud: Cloud, name: string): Promise<void> {
  await until('they are gone', async () => (await statusesOf(cloud, name)).length === 0, {
    patienceMs: 600_000,
  });
}

function isFailed({ status }: Statuses[number]): boolean {
  return status === 'Error';
}

export async function statusesOf({ session }: Cloud, name: string): Promise<Statuses> {
  const url = `${await session.endpoint('container')}/containers?name=${name}`;
  const headers = { 'x-auth-token': (await session.token()).value };
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  http.get(url, { agent, headers }, resolve).once('error', reject);
  const answer = await promise;
  return (JSON.parse(await text(answer)) as { containers: Statuses }).containers;
}
