/**
 * The bus: how server and agents talk. One contract, two implementations (in-process now, NATS for many hosts).
 *
 * Contract, the same for every implementation (test/bus-contract.ts is run against each):
 * - A connection belongs to one party. Handlers learn the sender from the connection, never from the payload.
 * - Payloads are serialised; requests, replies and notices are checked against their schemas on both sides.
 * - A call ends in the reply, in the handler's Failure (code and message survive, `remote` is set), in `timeout`
 *   when the deadline passes, or in `unavailable` at once when nobody serves it.
 * - A call with an idempotency key runs at most once per key and callee for ten minutes: a repetition gets the
 *   first one's outcome, also while the first is still running.
 * - A notice may be lost, never delivered in part; it is a hint to look, not a command.
 */
import type { BodyOf, CallDefinition, NoticeDefinition, Party, ReplyOf, RequestOf } from '../wire/call.ts';
import type { Streams } from './streams.ts';

export interface CallOptions {
  readonly deadlineMs?: number;
  readonly idempotencyKey?: string;
}

export interface CallContext {
  readonly from: Party;
  /** Aborts when the caller's deadline passes. */
  readonly signal: AbortSignal;
}

export interface Bus {
  readonly party: Party;
  /** For bulk data: same parties, another way. */
  readonly streams: Streams;
  call<C extends CallDefinition>(
    to: Party,
    call: C,
    request: RequestOf<C>,
    options?: CallOptions,
  ): Promise<ReplyOf<C>>;
  serve<C extends CallDefinition>(
    call: C,
    handler: (request: RequestOf<C>, context: CallContext) => Promise<ReplyOf<C>>,
  ): void;
  notify<N extends NoticeDefinition>(to: Party, notice: N, body: BodyOf<N>): void;
  listen<N extends NoticeDefinition>(notice: N, handler: (body: BodyOf<N>, from: Party) => void): void;
  /** Stops serving; running handlers are waited for. */
  close(): Promise<void>;
}
