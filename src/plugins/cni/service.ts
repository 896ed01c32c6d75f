/**
 * The agent's end of `berth-cni`: one request and one reply per connection, in JSON lines (wire/cni). Deletions that found
 * no agent are done at the start.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openLineSocket } from '../../base/line-socket.ts';
import type { Log } from '../../base/log.ts';
import { isFailure } from '../../model/failure.ts';
import {
  CniFailure,
  type CniReply,
  type CniRequest,
  type CniResult,
  cniCode,
  cniPending,
  cniSocket,
} from '../../wire/cni.ts';
import { Attachments } from './attachments.ts';
import type { CniBackend } from './backend.ts';

export interface CniServiceOptions {
  readonly stateDir: string;
  readonly backend: CniBackend;
  readonly log: Log;
}

export interface CniService {
  /** Takes no more calls and waits for those under way. */
  close(): Promise<void>;
}

const mostBytes = 1 << 20;

export async function startCniService(options: CniServiceOptions): Promise<CniService> {
  const { stateDir, backend, log } = options;
  const attachments = new Attachments(backend, log);
  await finishDeletions(stateDir, attachments, log);
  return openLineSocket({
    path: join(stateDir, cniSocket),
    mostBytes,
    log,
    answer: async (line) => ({ reply: await answer(line, attachments, log) }),
  });
}

async function answer(line: string, attachments: Attachments, log: Log): Promise<CniReply> {
  try {
    const request = parseRequest(line);
    const began = performance.now();
    const result = await perform(attachments, request);
    log.debug(
      { verb: request.verb, container: request.containerId, ms: performance.now() - began },
      'CNI call',
    );
    return { result };
  } catch (error) {
    if (error instanceof CniFailure) return { error: error.toError() };
    if (isFailure(error)) return { error: { code: cniCode.refused, msg: error.message } };
    log.error({ error }, 'CNI call failed');
    return { error: { code: 999, msg: 'internal error of Berth; its log has more' } };
  }
}

function parseRequest(line: string): CniRequest {
  const request = JSON.parse(line) as Partial<CniRequest> | null;
  const isRequest =
    typeof request?.verb === 'string' &&
    [request.containerId, request.ifname, request.netns].every((text) => typeof text === 'string') &&
    typeof request.args === 'object' &&
    typeof request.config === 'object';
  if (isRequest) return request as CniRequest;
  throw new CniFailure(cniCode.decodingFailure, 'this is not a request of berth-cni');
}

async function perform(attachments: Attachments, request: CniRequest): Promise<CniResult | null> {
  switch (request.verb) {
    case 'ADD':
      return attachments.add(request);
    case 'DEL':
      await attachments.remove(request);
      return null;
    case 'CHECK':
      await attachments.check(request);
      return null;
    case 'GC':
      await attachments.collect(request);
      return null;
    case 'STATUS':
      await attachments.status();
      return null;
  }
}

/** What fails stays for the next start. */
async function finishDeletions(stateDir: string, attachments: Attachments, log: Log): Promise<void> {
  const folder = join(stateDir, cniPending);
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    try {
      if (name.endsWith('.json')) await attachments.remove(parseRequest(readFileSync(file, 'utf8')));
      rmSync(file, { force: true });
    } catch (error) {
      log.warn({ file, error }, 'a deletion from before is not done yet');
    }
  }
}
