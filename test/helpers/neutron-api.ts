/** The network API on a database in memory, with tokens that name their caller: `demo`, `admin@infra`, `reader@demo`. */
import { neutronService } from '../../src/api/neutron/service.ts';
import { createServer } from '../../src/api/server.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Authenticator } from '../../src/control/authenticator.ts';
import type { Policy } from '../../src/control/policy.ts';
import { Failure } from '../../src/model/failure.ts';
import { createTestNetwork, type TestNetwork, testCaller } from './network-control.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
type Answer = any;

export interface Response {
  readonly status: number;
  readonly body: Answer;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface NeutronApi extends AsyncDisposable {
  readonly world: TestNetwork;
  /** `send('demo', 'POST', '/networks', {…})`; the path is below `/network/v2.0`. */
  send(
    token: string,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Response>;
  /** The created resource; throws with the answer unless it is 201. */
  make(token: string, path: string, body: object): Promise<Answer>;
}

const authenticator: Authenticator = {
  authenticate: async (token) => {
    if (token === 'bad')
      throw new Failure('unauthorized', 'The request you have made requires authentication.');
    const [role, project] = token.split('@');
    const caller = testCaller(project ?? token, { isAdmin: role === 'admin' });
    return role === 'reader' ? { ...caller, roles: ['reader'] } : caller;
  },
};

const isJson = (type: unknown) => String(type).startsWith('application/json');

export async function createNeutronApi(
  settings: Record<string, unknown> = {},
  policy?: Policy,
): Promise<NeutronApi> {
  const world = await createTestNetwork(settings, undefined, policy);
  const log = silentLog();
  const config = { publicUrl: 'http://cloud.test:9517', agent: { availabilityZone: 'nova' } };
  const service = neutronService({ control: world.control, authenticator, config, log });
  const app = await createServer({ log, services: [service] });
  const send: NeutronApi['send'] = async (token, method, path, body, headers = {}) => {
    const response = await app.inject({
      method: method as 'GET',
      url: `/network/v2.0${path}`,
      headers: { ...(token ? { 'x-auth-token': token } : {}), ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    });
    const text = response.payload;
    return {
      status: response.statusCode,
      body: isJson(response.headers['content-type']) ? JSON.parse(text) : text || undefined,
      headers: response.headers,
    };
  };
  return {
    world,
    send,
    async make(token, path, body) {
      const { status, body: answer } = await send(token, 'POST', path, body);
      if (status !== 201) throw new Error(`${path}: ${status} ${JSON.stringify(answer)}`);
      return Object.values(answer)[0];
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await world[Symbol.asyncDispose]();
    },
  };
}
