/**
 * Networks that the Container Network Model of this machine holds (`berth cnm`): Kuryr serves its daemon as it serves
 * Docker, and its networks are no orphans because Docker does not know them.
 */
import { existsSync } from 'node:fs';
import { exchangeLine } from '../base/line-socket.ts';
import { statePaths } from '../base/state-paths.ts';
import { Failure } from '../model/failure.ts';
import type { CnmReply, CnmRequest } from '../wire/cnm.ts';

const deadlineMs = 5_000;

/** Ids; none where it never ran. Throws when it cannot be asked: then nobody knows which networks are not needed. */
export async function listCnmNetworks(stateDir: string): Promise<readonly string[]> {
  const { cnmDatabase, cnmSocket } = statePaths(stateDir);
  if (!existsSync(cnmDatabase)) return [];
  const request: CnmRequest<'network-list'> = { verb: 'network-list', ask: {} };
  const { line, socket } = await exchangeLine(cnmSocket, request, deadlineMs);
  socket.destroy();
  const reply = JSON.parse(line ?? 'null') as CnmReply<'network-list'> | null;
  if (reply && 'answer' in reply) return reply.answer.map(({ id }) => id);
  throw new Failure('unavailable', `${cnmSocket} did not say which networks there are`);
}
