/**
 * Failures → Zun's error bodies.
 *
 * 4xx: title and detail hold the message. 500: title is the HTTP reason, and detail names a correlation id that the log
 * has too, then what a Failure has to say for itself. What the router refuses has the reason phrase as title. 401 has the shape of
 * the middleware that stands in front of Zun.
 */
import { STATUS_CODES } from 'node:http';
import { Failure } from '../../model/failure.ts';

/** One of the `errors` of a body. */
export interface ListedError {
  readonly request_id: '';
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly links: readonly never[];
}

export interface ErrorReply {
  readonly status: number;
  readonly body: { readonly errors: readonly [ListedError] } | { readonly error: object };
  /** Set when the log must have the error under this id. */
  readonly correlationId?: string;
}

/** Refusals of the router: their code is empty and their title the reason phrase. */
const routerCodes: readonly string[] = ['method-not-allowed', 'not-acceptable', 'unsupported-media-type'];

export function toErrorReply(error: unknown): ErrorReply {
  if (error instanceof Failure && error.code === 'unauthorized') return unauthorizedReply();
  const status = statusOf(error);
  if (status === 500) return internalReply(error);
  const message = error instanceof Error ? error.message : '';
  if (!(error instanceof Failure) || routerCodes.includes(error.code)) return routerReply(status, message);
  return errorReply(status, `${error.code}${error.remote ? '-remote' : ''}`, {
    title: message,
    detail: message,
  });
}

/** For paths that nothing serves, too. */
export function routerReply(status: number, detail: string): ErrorReply {
  return errorReply(status, '', { title: STATUS_CODES[status] ?? '', detail });
}

function statusOf(error: unknown): number {
  if (error instanceof Failure) return error.status;
  // The HTTP framework's own refusals, e.g. a body over the limit.
  const { statusCode } = (error ?? {}) as { statusCode?: unknown };
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : 500;
}

function internalReply(error: unknown): ErrorReply {
  const correlationId = crypto.randomUUID();
  const sentence = `Your request could not be handled because of a problem in the server. Error Correlation id is: ${correlationId}`;
  const detail = error instanceof Failure ? `${sentence}. ${error.message}` : sentence;
  return { ...errorReply(500, '', { title: STATUS_CODES[500] ?? '', detail }), correlationId };
}

function errorReply(
  status: number,
  code: string,
  text: { readonly title: string; readonly detail: string },
): ErrorReply {
  return {
    status,
    body: { errors: [{ request_id: '', code: `container.${code}`, status, ...text, links: [] }] },
  };
}

function unauthorizedReply(): ErrorReply {
  return {
    status: 401,
    body: {
      error: {
        code: 401,
        title: 'Unauthorized',
        message: 'The request you have made requires authentication.',
      },
    },
  };
}
