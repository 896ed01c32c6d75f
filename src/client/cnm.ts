/** Asks the daemon of the Container Network Model on this machine (wire/cnm.ts). */
import { exchangeLine, isAbsence } from '../base/line-socket.ts';
import { Failure } from '../model/failure.ts';
import type { CnmCalls, CnmReply, CnmVerb } from '../wire/cnm.ts';

/** Throws the daemon's Failure, and `unavailable` when none runs there. */
export async function askCnm<Verb extends CnmVerb>(
  socketPath: string,
  verb: Verb,
  ask: CnmCalls[Verb]['ask'],
): Promise<CnmCalls[Verb]['answer']> {
  const { line, socket } = await exchangeLine(socketPath, { verb, ask }).catch((error: unknown) => {
    if (isEnding(error)) throw ended(socketPath);
    if (!isAbsence(error)) throw error;
    throw new Failure('unavailable', `nothing answers at ${socketPath}`);
  });
  socket.destroy();
  if (line === undefined) throw ended(socketPath);
  return answerOf<Verb>(line);
}

/** Asks it to stop, and waits until it has. */
export async function stopCnm(socketPath: string): Promise<CnmCalls['stop']['answer']> {
  const { line, socket } = await exchangeLine(socketPath, { verb: 'stop', ask: {} });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.resume();
  await closed;
  return answerOf<'stop'>(line ?? 'null');
}

function answerOf<Verb extends CnmVerb>(line: string): CnmCalls[Verb]['answer'] {
  const reply = JSON.parse(line) as CnmReply<Verb>;
  if ('error' in reply) throw new Failure(reply.error.code, reply.error.message);
  return reply.answer;
}

function isEnding(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function ended(socketPath: string): Failure {
  return new Failure('unavailable', `${socketPath}: it ended in the middle of the call`);
}
