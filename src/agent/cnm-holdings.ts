/**
 * What the Container Network Model of this machine holds (`berth cnm`): Kuryr serves its daemon as it serves Docker, and
 * what it has is no orphan because Docker does not know it.
 */
import { existsSync } from 'node:fs';
import { exchangeLine } from '../base/line-socket.ts';
import { statePaths } from '../base/state-paths.ts';
import { Failure } from '../model/failure.ts';
import type { Holdings } from '../model/holdings.ts';
import type { CnmCalls, CnmReply, CnmRequest } from '../wire/cnm.ts';

const deadlineMs = 5_000;

/** Nothing where it never ran. Throws when it cannot be asked: then nobody knows what is not needed. */
export async function cnmHoldings(stateDir: string): Promise<Holdings> {
  const { cnmDatabase, cnmSocket } = statePaths(stateDir);
  if (!existsSync(cnmDatabase)) return { networks: new Set(), endpoints: [] };
  const networks = await ask(cnmSocket, 'network-list');
  const endpoints = await ask(cnmSocket, 'endpoint-list');
  return {
    networks: new Set(networks.map(({ id }) => id)),
    endpoints: endpoints.map(({ id, macAddress }) => ({ id, macAddress: macAddress ?? '' })),
  };
}

async function ask<Verb extends 'network-list' | 'endpoint-list'>(
  path: string,
  verb: Verb,
): Promise<CnmCalls[Verb]['answer']> {
  const request: CnmRequest<Verb> = { verb, ask: {} };
  const { line, socket } = await exchangeLine(path, request, deadlineMs);
  socket.destroy();
  const reply = JSON.parse(line ?? 'null') as CnmReply<Verb> | null;
  if (reply && 'answer' in reply) return reply.answer;
  throw new Failure('unavailable', `${path} did not say what it has: ${verb}`);
}
