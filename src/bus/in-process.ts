/**
 * The bus inside one process: server and agent of one machine share a `Switchboard`.
 *
 * Messages are serialised to JSON and parsed again, and checked against their schemas, so that this bus refuses
 * everything that NATS would refuse. Contract: ./bus.ts.
 */
import type { Log } from '../base/log.ts';
import { Failure, isFailure } from '../model/failure.ts';
import type { BodyOf, CallDefinition, NoticeDefinition, Party, ReplyOf, RequestOf } from '../wire/call.ts';
import type { Bus, CallContext, CallOptions } from './bus.ts';
import { decode } from './decode.ts';
import { InProcessStreams } from './in-process-streams.ts';

type Handler = (request: unknown, context: CallContext) => Promise<unknown>;
type Listener = (body: unknown, from: Party) => void;

const idempotencyWindowMs = 600_000;
const rememberedOutcomes = 10_000;

function addressOf(party: Party): string {
  return party.kind === 'server' ? 'server' : `agent ${party.host}`;
}

/** Where connections of one process meet. */
export class Switchboard {
  readonly connections = new Map<string, InProcessBus>();
  readonly log: Log;

  constructor(log: Log) {
    this.log = log;
  }

  connect(party: Party): Bus {
    const address = addressOf(party);
    if (this.connections.has(address)) throw new Failure('conflict', `${address} is on the bus already`);
    const bus = new InProcessBus(this, party);
    this.connections.set(address, bus);
    return bus;
  }
}

class InProcessBus implements Bus {
  readonly party: Party;
  readonly streams: InProcessStreams;
  readonly #board: Switchboard;
  readonly #handlers = new Map<string, { call: CallDefinition; handler: Handler }>();
  readonly #listeners = new Map<string, { notice: NoticeDefinition; listener: Listener }[]>();
  readonly #outcomes = new Map<string, { at: number; outcome: Promise<string> }>();
  readonly #running = new Set<Promise<unknown>>();

  constructor(board: Switchboard, party: Party) {
    this.#board = board;
    this.party = party;
    this.streams = new InProcessStreams(
      party,
      (host) => board.connections.get(addressOf({ kind: 'agent', host }))?.streams,
    );
  }

  async call<C extends CallDefinition>(
    to: Party,
    call: C,
    request: RequestOf<C>,
    options: CallOptions = {},
  ): Promise<ReplyOf<C>> {
    const callee = this.#board.connections.get(addressOf(to));
    if (!callee) throw new Failure('unavailable', `${call.name}: ${addressOf(to)} is not connected`);
    const deadlineMs = options.deadlineMs ?? call.deadlineMs;
    const abort = new AbortController();
    const message = JSON.stringify(request);
    const late = new Promise<never>((_resolve, reject) => {
      const timer = setTimeout(() => {
        abort.abort();
        reject(
          new Failure('timeout', `${call.name}: no answer from ${addressOf(to)} within ${deadlineMs} ms`),
        );
      }, deadlineMs);
      abort.signal.addEventListener('abort', () => clearTimeout(timer));
    });
    try {
      const reply = await Promise.race([
        callee.#answer(
          call.name,
          message,
          { from: this.party, signal: abort.signal },
          options.idempotencyKey,
        ),
        late,
      ]);
      return decode(call.reply, reply, `reply to ${call.name}`) as ReplyOf<C>;
    } catch (error) {
      if (isFailure(error) && error.code !== 'timeout' && error.code !== 'unavailable') {
        throw new Failure(error.code, error.message, { cause: error, remote: true });
      }
      throw error;
    } finally {
      abort.abort();
    }
  }

  serve<C extends CallDefinition>(
    call: C,
    handler: (request: RequestOf<C>, context: CallContext) => Promise<ReplyOf<C>>,
  ): void {
    if (call.to !== this.party.kind)
      throw new Error(`${call.name} is not for a ${this.party.kind} to answer`);
    if (this.#handlers.has(call.name)) throw new Error(`${call.name} is served already`);
    this.#handlers.set(call.name, { call, handler: handler as Handler });
  }

  notify<N extends NoticeDefinition>(to: Party, notice: N, body: BodyOf<N>): void {
    const message = JSON.stringify(body);
    decode(notice.body, message, notice.name);
    const callee = this.#board.connections.get(addressOf(to));
    if (!callee) return;
    setImmediate(() => callee.#deliver(notice.name, message, this.party));
  }

  listen<N extends NoticeDefinition>(notice: N, handler: (body: BodyOf<N>, from: Party) => void): void {
    const listeners = this.#listeners.get(notice.name) ?? [];
    listeners.push({ notice, listener: handler as Listener });
    this.#listeners.set(notice.name, listeners);
  }

  async close(): Promise<void> {
    this.#board.connections.delete(addressOf(this.party));
    this.#handlers.clear();
    this.#listeners.clear();
    await Promise.allSettled(this.#running);
  }

  #deliver(name: string, message: string, from: Party): void {
    for (const { notice, listener } of this.#listeners.get(name) ?? []) {
      try {
        listener(decode(notice.body, message, name), from);
      } catch (error) {
        this.#board.log.error({ notice: name, error }, 'notice handler failed');
      }
    }
  }

  #answer(name: string, message: string, context: CallContext, key: string | undefined): Promise<string> {
    if (key === undefined) return this.#run(name, message, context);
    const id = `${addressOf(context.from)} ${name} ${key}`;
    const known = this.#outcomes.get(id);
    if (known && Date.now() - known.at < idempotencyWindowMs) return known.outcome;
    const outcome = this.#run(name, message, context);
    this.#outcomes.set(id, { at: Date.now(), outcome });
    this.#forgetOldOutcomes();
    return outcome;
  }

  async #run(name: string, message: string, context: CallContext): Promise<string> {
    const served = this.#handlers.get(name);
    if (!served) throw new Failure('unavailable', `${name}: ${addressOf(this.party)} does not serve it`);
    const work = (async () => {
      const request = decode(served.call.request, message, name);
      const reply = JSON.stringify(await served.handler(request, context));
      decode(served.call.reply, reply, `reply to ${name}`);
      return reply;
    })();
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  #forgetOldOutcomes(): void {
    const limit = Date.now() - idempotencyWindowMs;
    for (const [id, { at }] of this.#outcomes) {
      if (at >= limit && this.#outcomes.size <= rememberedOutcomes) break;
      this.#outcomes.delete(id);
    }
  }
}
