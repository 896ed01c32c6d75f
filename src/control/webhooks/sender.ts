/**
 * One HTTP request to an address that a tenant chose.
 *
 * - The address that is connected to is judged, not the name: the connection asks our look-up, which gives allowed addresses only, and an
 *   address in the URL is judged before. A name that leads elsewhere a moment later changes nothing.
 * - Redirects are not followed. Of the answer only the status counts; a little of its body is read and thrown away.
 * - Everything ends within the deadline. What is said about a failure tells nothing about networks that the tenant cannot see.
 */
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import type { Config } from '../../base/config-schema.ts';
import type { Cidr } from '../../ipam/address.ts';
import { Failure } from '../../model/failure.ts';
import { isAllowed, ownAddresses, parseAllowed } from './allowed-addresses.ts';
import { dnsResolve, NoAnswer, type Resolve } from './resolve.ts';

export interface Letter {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Outcome {
  /** Null = there was no answer. */
  readonly status: number | null;
  /** In words for the hook's owner; null = it was taken. */
  readonly error: string | null;
}

/** Sends one letter after the other, on one connection where that is possible. */
export interface Line {
  send(letter: Letter, signal?: AbortSignal): Promise<Outcome>;
  close(): void;
}

export interface SenderOptions {
  readonly allowed: readonly Cidr[];
  readonly deadlineMs: number;
  readonly resolve?: Resolve;
  /** Addresses of this machine, which it must not be made to speak to. */
  readonly own?: () => readonly Cidr[];
  /** Authorities to trust besides the usual, as PEM. */
  readonly ca?: string;
}

/** How much of an answer's body is read, and for how long: then the connection is closed. */
const readBytes = 65_536;
const readMs = 1_000;

/** Its message is for the owner. */
class Refusal extends Error {}

/** By the settings `webhooks`. Throws `invalid-value` naming one. */
export function senderOf({ allowedAddresses, attemptSeconds, caFile }: Config['webhooks']): Sender {
  return new Sender({
    allowed: parseAllowed(allowedAddresses),
    deadlineMs: attemptSeconds * 1000,
    ...(caFile === '' ? {} : { ca: readAuthorities(caFile) }),
  });
}

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure('invalid-value', `setting webhooks.caFile: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

export class Sender {
  readonly #options: Required<Omit<SenderOptions, 'ca'>>;
  readonly #trust: { readonly secureContext?: SecureContext };

  constructor(options: SenderOptions) {
    this.#options = { resolve: dnsResolve(), own: ownAddresses, ...options };
    const { ca } = options;
    // Made once: hundreds of authorities take longer to read than a letter to send.
    this.#trust =
      ca === undefined ? {} : { secureContext: createSecureContext({ ca: [...getCACertificates(), ca] }) };
  }

  open(): Line {
    const keeping = { keepAlive: true, maxSockets: 1 };
    const plain = new HttpAgent(keeping);
    const secure = new HttpsAgent({ ...keeping, ...this.#trust });
    return {
      send: (letter, signal) => this.#send(letter, { plain, secure }, signal),
      close: () => {
        plain.destroy();
        secure.destroy();
      },
    };
  }

  /** Undefined = nothing is known against it; names are judged when it comes to it. */
  complaintAbout({ hostname }: URL): string | undefined {
    const host = hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) === 0 || this.#isAllowed(host)) return undefined;
    return `${hostname} is no address that this cloud delivers to`;
  }

  async #send(
    { url: text, headers, body }: Letter,
    { plain, secure }: { readonly plain: HttpAgent; readonly secure: HttpsAgent },
    stop: AbortSignal | undefined,
  ): Promise<Outcome> {
    const url = new URL(text);
    const complaint = this.complaintAbout(url);
    if (complaint) return { status: null, error: complaint };
    const late = AbortSignal.timeout(this.#options.deadlineMs);
    const signal = stop ? AbortSignal.any([stop, late]) : late;
    const isSecure = url.protocol === 'https:';
    try {
      return await new Promise<Outcome>((resolve, reject) => {
        const request = (isSecure ? httpsRequest : httpRequest)(url, {
          method: 'POST',
          headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
          agent: isSecure ? secure : plain,
          lookup: this.#lookup,
          signal,
        });
        request.on('error', reject);
        request.on('response', (response) => {
          const outcome = outcomeOf(response.statusCode ?? 0);
          throwAway(response, () => resolve(outcome));
        });
        request.end(body);
      });
    } catch (error) {
      if (late.aborted)
        return { status: null, error: `no answer within ${this.#options.deadlineMs / 1000} s` };
      return { status: null, error: reasonOf(error) };
    }
  }

  readonly #lookup: LookupFunction = (name, { all }, done) => {
    this.#addressesOf(name).then(
      (found) => {
        const [first] = found;
        if (all) done(null, [...found]);
        else done(null, first?.address ?? '', first?.family);
      },
      (error: Error) => done(error, ''),
    );
  };

  #isAllowed(address: string): boolean {
    const { allowed, own } = this.#options;
    return isAllowed(address, allowed, own());
  }

  async #addressesOf(name: string) {
    const found = await this.#options.resolve(name);
    if (found.length === 0) throw new Refusal(`the name ${name} has no address`);
    const good = found.filter(({ address }) => this.#isAllowed(address));
    if (good.length === 0) throw new Refusal(`${name} leads to no address that this cloud delivers to`);
    return good;
  }
}

function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return { status, error: null };
  const more = status >= 300 && status < 400 ? '; redirects are not followed' : '';
  return { status, error: `answered ${status}${more}` };
}

/** Calls `done` once, when the body has ended or enough of it was read. */
function throwAway(response: IncomingMessage, done: () => void): void {
  let read = 0;
  const enough = setTimeout(() => response.destroy(), readMs);
  response.on('data', (chunk: Buffer) => {
    read += chunk.length;
    if (read > readBytes) response.destroy();
  });
  response.on('error', () => undefined);
  response.on('close', () => {
    clearTimeout(enough);
    done();
  });
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed before an answer came',
  EPIPE: 'the connection was closed before an answer came',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the host',
  ETIMEDOUT: 'the connection could not be made in time',
};

function reasonOf(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  if (error instanceof NoAnswer) return 'the name could not be resolved';
  const { code = '' } = error as { readonly code?: string };
  if (code.startsWith('HPE_')) return 'what came is no answer of HTTP';
  if (/CERT|SELF_SIGNED|ALTNAME/.test(code)) return `its certificate is not trusted (${code})`;
  return reasons[code] ?? `the request failed${code === '' ? '' : ` (${code})`}`;
}
