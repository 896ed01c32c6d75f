/**
 * What can be said on the bus: calls (request, reply, deadline) and notices (one way, may be lost).
 *
 * A definition is data: a name, who answers, and the TypeBox schemas of both directions. Every bus checks both
 * directions against them, also the in-process one, so that nothing works on one machine that would not work
 * between two. Payloads are plain JSON. Bulk data and terminals never go over the bus (design, decision 4).
 */
import type { Static, TSchema } from 'typebox';

/** Who is on the bus. A bus connection belongs to one party and stamps every message with it. */
export type Party = { readonly kind: 'server' } | { readonly kind: 'agent'; readonly host: string };

export interface CallDefinition<Req extends TSchema = TSchema, Rep extends TSchema = TSchema> {
  readonly name: string;
  /** Who answers it. */
  readonly to: Party['kind'];
  readonly request: Req;
  readonly reply: Rep;
  /** Used when the caller names none. */
  readonly deadlineMs: number;
}

export interface NoticeDefinition<Body extends TSchema = TSchema> {
  readonly name: string;
  readonly to: Party['kind'];
  readonly body: Body;
}

export type RequestOf<C extends CallDefinition> = Static<C['request']>;
export type ReplyOf<C extends CallDefinition> = Static<C['reply']>;
export type BodyOf<N extends NoticeDefinition> = Static<N['body']>;

export function defineCall<Req extends TSchema, Rep extends TSchema>(
  definition: CallDefinition<Req, Rep>,
): CallDefinition<Req, Rep> {
  return definition;
}

export function defineNotice<Body extends TSchema>(
  definition: NoticeDefinition<Body>,
): NoticeDefinition<Body> {
  return definition;
}
