/** Asks the agent of this host, and keeps deletions for it while it is not there. */
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
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

export function askAgent(stateDir: string, request: CniRequest): Promise<CniReply> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(stateDir, cniSocket));
    let received = '';
    socket.setEncoding('utf8').setTimeout(deadlineMs, () => {
      socket.destroy(
        new CniFailure(cniCode.tryAgainLater, 'the agent of Berth does not answer: see its log'),
      );
    });
    socket.once('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      reject(isAbsence(error) ? new NoAgent(error.message) : error);
    });
    socket.once('end', () => {
      try {
        resolve(JSON.parse(received) as CniReply);
      } catch {
        reject(new CniFailure(cniCode.tryAgainLater, 'the agent of Berth ended in the middle of the call'));
      }
    });
  });
}

function isAbsence({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}

/** A deletion has to succeed whatever happens: the agent does it at its next start. */
export function keepForLater(stateDir: string, request: CniRequest): void {
  const folder = join(stateDir, cniPending);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const key = `${String(request.config.name)}\0${request.containerId}\0${request.ifname}`;
  const file = join(folder, createHash('sha256').update(key).digest('hex'));
  writeFileSync(`${file}.new`, JSON.stringify(request), { mode: 0o600 });
  renameSync(`${file}.new`, `${file}.json`);
}
