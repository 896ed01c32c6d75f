/** The end of what a container wrote, entry by entry, with the stream and the time of each. */
import { entriesOf, type Frame } from './frames.ts';
import type { EngineSocket } from './socket.ts';

export async function logEntries(
  socket: EngineSocket,
  container: { readonly id: string; readonly tty: boolean },
  { most, deadlineMs }: { readonly most: number; readonly deadlineMs: number },
): Promise<AsyncGenerator<Frame>> {
  const what = `logs of ${container.id}`;
  const query = { stdout: true, stderr: true, timestamps: true, tail: most };
  const path = ['containers', container.id, 'logs'];
  const stream = await socket.stream(what, { method: 'GET', path, query, deadlineMs });
  const tooLate = () => stream.destroy(socket.silence(what, deadlineMs));
  const timer = setTimeout(tooLate, deadlineMs);
  return (async function* () {
    try {
      yield* entriesOf(stream, { isRaw: container.tty });
    } finally {
      clearTimeout(timer);
      stream.destroy();
    }
  })();
}
