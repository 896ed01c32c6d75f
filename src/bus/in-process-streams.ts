/** Streams inside one process: what the agent reads or writes is handed over as it is. Contract: ./streams.ts. */
import { Readable } from 'node:stream';
import { Failure, isFailure } from '../model/failure.ts';
import type { Party } from '../wire/call.ts';
import type { StreamDefinition, StreamHeadOf, StreamRequestOf } from '../wire/streams.ts';
import { decode } from './decode.ts';
import type { Opened, StreamHandler, Streams } from './streams.ts';

/** Finds the other end by host; undefined = it is not connected. */
type FindAgent = (host: string) => InProcessStreams | undefined;

export class InProcessStreams implements Streams {
  readonly #party: Party;
  readonly #find: FindAgent;
  readonly #handlers = new Map<string, StreamHandler<StreamDefinition>>();

  constructor(party: Party, find: FindAgent) {
    this.#party = party;
    this.#find = find;
  }

  async open<S extends StreamDefinition>(
    host: string,
    stream: S,
    request: StreamRequestOf<S>,
    upload: Readable = Readable.from([]),
  ): Promise<Opened<S>> {
    const abort = new AbortController();
    // What was wrong with the upload is the opener's business, however it looks at the other end.
    let uploadError: unknown;
    upload.once('error', (error) => {
      uploadError = error;
    });
    let isTalking = false;
    try {
      const opening = this.#ask(host, stream, request, { upload, signal: abort.signal });
      const opened = await Promise.race([opening, late(stream, abort, opening)]);
      isTalking = stream.isDuplex === true;
      if (isTalking) opened.download.once('close', () => upload.destroy());
      return opened;
    } catch (error) {
      if (isFailure(uploadError)) throw uploadError;
      if (!isFailure(error) || error.code === 'timeout' || error.code === 'unavailable') throw error;
      throw new Failure(error.code, error.message, { cause: error, remote: true });
    } finally {
      abort.abort();
      if (!isTalking) upload.destroy();
    }
  }

  serve<S extends StreamDefinition>(stream: S, handler: StreamHandler<S>): void {
    if (this.#party.kind !== 'agent') throw new Error(`${stream.name} is for agents to serve`);
    if (this.#handlers.has(stream.name)) throw new Error(`${stream.name} is served already`);
    this.#handlers.set(stream.name, handler as StreamHandler<StreamDefinition>);
  }

  handlerOf(name: string): StreamHandler<StreamDefinition> | undefined {
    return this.#handlers.get(name);
  }

  async #ask<S extends StreamDefinition>(
    host: string,
    stream: S,
    request: StreamRequestOf<S>,
    context: { readonly upload: Readable; readonly signal: AbortSignal },
  ): Promise<Opened<S>> {
    const handler = this.#find(host)?.handlerOf(stream.name);
    if (!handler) throw new Failure('unavailable', `${stream.name}: the agent of ${host} does not serve it`);
    const asked = decode(stream.request, JSON.stringify(request), stream.name);
    const { head, download } = await handler(asked, context);
    const checked = decode(stream.head, JSON.stringify(head), `head of ${stream.name}`) as StreamHeadOf<S>;
    return { head: checked, download: download ?? Readable.from([]) };
  }
}

/** A stream that opens too late has nobody to read it. */
function late(
  { name, deadlineMs }: StreamDefinition,
  abort: AbortController,
  opened: Promise<{ readonly download: Readable }>,
): Promise<never> {
  return new Promise((_resolve, reject) => {
    const timer = setTimeout(() => {
      opened.then(
        ({ download }) => download.destroy(),
        () => undefined,
      );
      reject(new Failure('timeout', `${name}: no answer within ${deadlineMs} ms`));
      abort.abort();
    }, deadlineMs);
    abort.signal.addEventListener('abort', () => clearTimeout(timer));
  });
}
