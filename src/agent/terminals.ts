/**
 * Talking with processes in containers: attaching to a container's own one, and commands with an input.
 *
 * Whoever attaches and leaves changes nothing. A command that is left before it has ended is hung up, so that no shell stays
 * behind when its user's connection breaks.
 */
import { pipeline, type Readable } from 'node:stream';
import type { Log } from '../base/log.ts';
import type { Bus } from '../bus/bus.ts';
import type { Conversation, Engine, EngineContainer } from '../docker/engine.ts';
import { Failure } from '../model/failure.ts';
import { containerResize, execCreate, execResize, execResult } from '../wire/agent-questions.ts';
import { attachContainer, startExec } from '../wire/streams.ts';

export interface TerminalsOptions {
  readonly bus: Bus;
  readonly engine: Engine;
  readonly log: Log;
  readonly get: (uuid: string) => Promise<EngineContainer>;
}

export function serveTerminals({ bus, engine, log, get }: TerminalsOptions): void {
  bus.serve(containerResize, async ({ uuid, height, width }) => {
    await engine.resizeContainer((await get(uuid)).id, { height, width });
    return {};
  });
  bus.serve(execResize, async ({ uuid, execId, height, width }) => {
    await engine.resizeExec((await get(uuid)).id, execId, { height, width });
    return {};
  });
  bus.serve(execCreate, async ({ uuid, command, ...more }) => ({
    execId: await engine.createExec((await get(uuid)).id, command, more),
  }));
  bus.serve(execResult, async ({ uuid, execId }) => ({
    exitCode: await engine.execResult((await get(uuid)).id, execId),
  }));
  bus.streams.serve(attachContainer, async ({ uuid }, { upload }) => {
    const { id, state } = await get(uuid);
    // The Engine would keep us waiting for its next start.
    if (state !== 'running') throw new Failure('conflict', `The container is not running: it is ${state}.`);
    return { head: {}, download: talk(await engine.attach(id), upload) };
  });
  bus.streams.serve(startExec, async ({ uuid, execId }, { upload }) => {
    const { id } = await get(uuid);
    const download = talk(await engine.startExec(id, execId), upload);
    download.once('close', () => {
      if (download.readableEnded) return;
      engine.hangUpExec(id, execId).catch((error: unknown) => {
        log.warn({ container: uuid, exec: execId, error }, 'a command that was left could not be ended');
      });
    });
    return { head: {}, download };
  });
}

/** Who stops typing without an end has gone, and so has the connection to the process; one that has ended already hears nothing. */
function talk({ input, output }: Conversation, upload: Readable): Readable {
  if (input.destroyed) upload.destroy();
  else pipeline(upload, input, () => undefined);
  return output;
}
