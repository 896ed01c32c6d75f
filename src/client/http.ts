/**
 * One HTTP exchange with an OpenStack-shaped service.
 *
 * Owns the deadline, and the translation of the three error bodies in use (Zun's, Neutron's, Keystone's) into
 * one `ServiceFailure` that carries the service's own words. Knows nothing about tokens. Runs in a browser too.
 */
import { Failure, type FailureCode, isFailureCode } from '../model/failure.ts';

/** The part of `fetch` that is used here: the global one fits, and so does something that starts faster. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchReply>;

export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** Hears a good answer piece by piece, and its text is empty then. The global `fetch` does not know it. */
  readonly onText?: (text: string) => void;
}

export interface FetchReply {
  readonly status: number;
  readonly statusText: string;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

export type Query = Readonly<
  Record<string, string | number | boolean | readonly string[] | null | undefined>
>;

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Absent, null and undefined values are left out; an array repeats the parameter. */
  readonly query?: Query | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly timeoutMs: number;
  /** For answers that go on. */
  readonly onText?: ((text: string) => void) | undefined;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: FetchReply['headers'];
  /** Parsed JSON; text when the answer is not JSON; undefined when it is empty. */
  readonly body: unknown;
}

/** What a service answered instead of a result. `message` is the service's own text. */
export class ServiceFailure extends Failure {
  readonly httpStatus: number;
  readonly requestId: string | undefined;

  constructor(code: FailureCode, message: string, reply: { status: number; requestId: string | undefined }) {
    super(code, message, { remote: true });
    this.httpStatus = reply.status;
    this.requestId = reply.requestId;
  }
}

/** Throws ServiceFailure for any status from 400 up; `unavailable` or `timeout` when there is no answer. */
export async function send(fetch: Fetch, request: HttpRequest): Promise<HttpReply> {
  const url = withQuery(request.url, request.query);
  try {
    const response = await fetch(url, {
      method: request.method,
      headers: {
        accept: 'application/json',
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...request.headers,
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal: AbortSignal.timeout(request.timeoutMs),
      ...(request.onText ? { onText: request.onText } : {}),
    });
    const body = parseBody(await response.text());
    if (response.status >= 400) throw failureOf(response, body);
    return { status: response.status, headers: response.headers, body };
  } catch (error) {
    throw error instanceof Failure ? error : unreachable(error, request);
  }
}

function withQuery(url: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    for (const item of Array.isArray(value) ? value : [value]) parameters.append(key, String(item));
  }
  const text = parameters.toString();
  return text === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${text}`;
}

function parseBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

interface ErrorBody {
  readonly errors?: readonly { code?: string; title?: string; detail?: string }[];
  readonly NeutronError?: { type?: string; message?: string };
  readonly error?: { message?: string };
}

function failureOf(response: FetchReply, body: unknown): ServiceFailure {
  const { name, message } = readError((typeof body === 'object' && body ? body : {}) as ErrorBody);
  const code = name && isFailureCode(name) ? name : codeOfStatus(response.status);
  return new ServiceFailure(code, message || `${response.status} ${response.statusText}`.trim(), {
    status: response.status,
    requestId: response.headers.get('x-openstack-request-id') ?? undefined,
  });
}

function readError(body: ErrorBody): { name?: string | undefined; message: string } {
  const zun = body.errors?.[0];
  if (zun) {
    // From 500 up Zun's title is the bare reason phrase and the text is in the detail.
    const message = zun.title && zun.title !== 'Internal Server Error' ? zun.title : zun.detail;
    return { name: zun.code?.replace(/^container\./, '').replace(/-remote$/, ''), message: message ?? '' };
  }
  if (body.NeutronError) {
    const { type = '', message = '' } = body.NeutronError;
    return { name: neutronTypes[type] ?? kebab(type), message };
  }
  return { message: body.error?.message ?? '' };
}

/** Neutron's names of errors that our code is not simply a spelling of. */
const neutronTypes: Readonly<Record<string, FailureCode>> = {
  OverQuota: 'network-over-quota',
  IpAddressAlreadyAllocated: 'ip-address-in-use',
  IpAddressGenerationFailure: 'ip-address-exhausted',
  SubnetPoolDeleteError: 'subnet-pool-in-use',
  SubnetAllocationError: 'subnet-allocation-failed',
  FloatingIPNotFound: 'floating-ip-not-found',
  FloatingIPPortAlreadyAssociated: 'floating-ip-taken',
  FipInUseByPortForwarding: 'floating-ip-in-use',
  PortHasBindingFloatingIP: 'port-has-floating-ip',
  PortHasPortForwarding: 'port-has-forwarding',
  ExternalGatewayForFloatingIPNotFound: 'external-network-unreachable',
  ExternalIpAddressExhausted: 'external-address-exhausted',
  RouterInterfaceInUseByFloatingIP: 'router-interface-needed-by-floating-ip',
  RouterInterfaceInUseByRoute: 'router-interface-needed-by-route',
  RouterExternalGatewayInUseByFloatingIp: 'router-gateway-needed',
};

function kebab(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
}

const codes: Readonly<Record<number, FailureCode>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'policy-not-authorized',
  404: 'resource-not-found',
  405: 'method-not-allowed',
  406: 'not-acceptable',
  409: 'conflict',
  412: 'precondition-failed',
  413: 'payload-too-large',
  415: 'unsupported-media-type',
  429: 'too-many-requests',
  501: 'not-implemented',
  502: 'unavailable',
  503: 'unavailable',
  504: 'timeout',
};

function codeOfStatus(status: number): FailureCode {
  return codes[status] ?? (status < 500 ? 'invalid' : 'internal');
}

function unreachable(error: unknown, request: HttpRequest): Failure {
  const { origin } = new URL(request.url);
  if (error instanceof Error && error.name === 'TimeoutError') {
    const message = `${origin} did not answer within ${request.timeoutMs / 1000} s (${request.method})`;
    return new Failure('timeout', message, { cause: error });
  }
  const { cause = error } = error as { cause?: unknown };
  const { code, message = String(error) } = cause as { code?: string; message?: string };
  const why = reasons[code ?? ''] ?? message;
  return new Failure('unavailable', `cannot reach ${origin}: ${why}`, { cause: error });
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  ENOTFOUND: 'unknown host name',
  EHOSTUNREACH: 'no route to the host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an authority that is not trusted here',
};
