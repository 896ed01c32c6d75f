/** Asks the agent of this host, and keeps deletions for it while it is not there. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exchangeLine, isAbsence } from '../../../base/line-socket.ts';
import {
  CniFailure,
  type CniReply,
  type CniRequest,
  cniCode,
  cniPending,
  cniSocket,
} from '../../../wire/cni.ts';

/** The agent has deadlines of its own and answers before; this one is for an agent that hangs. */
const deadlineMs = 55_000;

/** Nobody listens: the agent is not running. */
export class NoAgent extends Error {}

export async function askAgent(stateDir: string, request: CniRequest): Promise<CniReply> {
  const { line, socket } = await exchangeLine(join(stateDir, cniSocket), request, deadlineMs).catch(
    (error: NodeJS.ErrnoException) => {
      if (isAbsence(error)) throw new NoAgent(error.message);
      if (error.code !== 'ETIMEDOUT') throw error;
      throw new CniFailure(cniCode.tryAgainLater, 'the agent of Berth does not answer: see its log');
    },
  );
  socket.destroy();
  if (line !== undefined) return JSON.parse(line) as CniReply;
  throw new CniFailure(cniCode.tryAgainLater, 'the agent of Berth ended in the middle of the call');
}

/** A deletion has to succeed whatever happens: the agent does it at its next start. */
export async function keepForLater(stateDir: string, request: CniRequest): Promise<void> {
  // Loaded for this alone: it takes longer than all the rest of a call.
  const { createHash } = await import('node:crypto');
  const folder = join(stateDir, cniPending);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const key = `${String(request.config.name)}\0${request.containerId}\0${request.ifname}`;
  const file = join(folder, createHash('sha256').update(key).digest('hex'));
  writeFileSync(`${file}.new`, JSON.stringify(request), { mode: 0o600 });
  renameSync(`${file}.new`, `${file}.json`);
}
