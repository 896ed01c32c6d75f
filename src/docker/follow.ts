/** What a container writes from now on, until it ends or nobody reads any more. */
import { pipeline, type Readable, Transform } from 'node:stream';
import type { LogOptions } from './engine.ts';
import { FrameDecoder } from './frames.ts';
import type { EngineSocket } from './socket.ts';

export async function followLogs(
  socket: EngineSocket,
  container: { readonly id: string; readonly tty: boolean },
  { tail, since, ...which }: LogOptions,
): Promise<Readable> {
  const query = { ...which, tail: tail ?? 'all', since: since ?? 0, follow: true };
  const path = ['containers', container.id, 'logs'];
  const frames = await socket.stream(`logs of ${container.id}`, { method: 'GET', path, query });
  // Whichever end goes first takes the other with it: an error of either is what the reader sees.
  return pipeline(frames, container.tty ? asItIs() : withoutFrames(), () => undefined);
}

function asItIs(): Transform {
  return new Transform({ transform: (chunk: Buffer, _encoding, done) => done(null, chunk) });
}

function withoutFrames(): Transform {
  const decoder = new FrameDecoder();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (const payload of decoder.push(chunk)) this.push(payload);
      done();
    },
  });
}
