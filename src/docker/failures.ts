/**
 * What a request to the Engine throws → Failure. The Engine's own sentence is kept as the message: it is what people
 * search for; where it is about something the owner of a container can change, it is said in their words instead.
 */
import { Failure, isFailure } from '../model/failure.ts';
import { formatImageReference, parseImageReference } from './image-reference.ts';

/** The Engine answered, with a status that is an error. `message`: its own words. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** HTTP status of what the Engine refused with; undefined = there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Refusal ? error.status : undefined;
}

/** The Engine's own words. */
export function engineMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^Error response from daemon: /, '').trim();
}

const noAnswer = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ECONNRESET',
  'EPIPE',
  'EACCES',
  'ETIMEDOUT',
  'ECONNABORTED',
]);

/** What a dockerd says in its last moments, and one whose containerd is away: nothing is wrong with the request. */
const leaving =
  /transport is closing|client connection is closing|connection error: desc|daemon is shutting down|context canceled/i;

/** True when the Engine was not there, or went away while it answered. */
export function isUnanswered(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return noAnswer.has(code ?? '') || code === 'ERR_STREAM_PREMATURE_CLOSE' || message === 'socket hang up';
}

export function unavailable(socket: string, why: string, cause?: unknown): Failure {
  return new Failure('docker-unavailable', `Docker does not answer at ${socket}: ${why}`, { cause });
}

/** `what` says what was being done: `start container zun-…`. */
export function toFailure(what: string, socket: string, error: unknown): Failure {
  if (isFailure(error)) return error;
  if (statusOf(error) === undefined && isUnanswered(error)) {
    const { code, message } = error as NodeJS.ErrnoException;
    return unavailable(socket, code ?? message, error);
  }
  const message = engineMessage(error);
  if (leaving.test(message)) return unavailable(socket, message, error);
  if (/no space left on device/i.test(message)) return diskFull(what, message, error);
  const code = statusOf(error) === 409 ? 'conflict' : 'docker-error';
  return new Failure(code, message, { cause: error, detail: what });
}

/** The Engine calls it an error of its own when `ps` does not understand its arguments. */
export function argumentFailure(psArgs: string, error: unknown): unknown {
  if (!isFailure(error, 'docker-error') || !/^ps: |PID field/.test(error.message)) return error;
  return new Failure('invalid-value', `ps_args '${psArgs}': ${error.message}`, { cause: error });
}

/** The Engine names paths of the host, which are nobody's business. */
function diskFull(what: string, message: string, cause: unknown): Failure {
  const said = "The disk of the container's host is full.";
  return new Failure('docker-error', said, { cause, detail: `${what}: ${message}` });
}

const outageWords =
  /dial tcp|no such host|connection refused|timeout|timed out|i\/o|network is unreachable|EOF|TLS/i;

/** Why a registry cannot be used, in words for its owner. `message` is the Engine's. */
export function registryReason(domain: string, message: string): string {
  if (/no basic auth credentials|authentication required/i.test(message))
    return `${domain} answers, and asks for a log-in`;
  if (/denied|unauthorized|401|403|incorrect username/i.test(message))
    return `${domain} answers, and refuses the log-in`;
  if (/server gave HTTP response to HTTPS client|x509|certificate/i.test(message))
    return `${domain} answers without a certificate that Docker trusts`;
  if (outageWords.test(message)) return `no registry answers at ${domain}`;
  return `${domain} does not behave like a registry: ${message}`;
}

/** A pull that failed, in words for the owner of the container. `message` is the Engine's. */
export function pullFailure(text: string, message: string, cause?: unknown): Failure {
  const image = formatImageReference(parseImageReference(text));
  const registry = parseImageReference(text).registry ?? 'docker.io';
  const say = (why: string) => `image "${image}" cannot be pulled: ${why}`;
  const options = { cause, detail: message };
  if (/denied|unauthorized|authentication required|no basic auth credentials/i.test(message)) {
    return new Failure(
      'image-not-found',
      say(`${registry} has no such image, or asks for a log-in`),
      options,
    );
  }
  if (/not found|manifest unknown|does not exist|no such image/i.test(message)) {
    return new Failure('image-not-found', say(`${registry} has no such image`), options);
  }
  if (outageWords.test(message)) {
    const hint = 'with pull policy ifnotpresent an image already in Docker is used';
    return new Failure('image-pull-failed', say(`no registry answers at ${registry}; ${hint}`), options);
  }
  if (/no space left on device/i.test(message)) {
    return new Failure('image-pull-failed', say("the disk of the container's host is full"), options);
  }
  return new Failure('image-pull-failed', say(message), options);
}
