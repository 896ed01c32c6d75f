/** The container API over a `World`, asked through the HTTP framework without a socket (or listening, for clients). */
import type { FastifyInstance } from 'fastify';
import { createServer } from '../../src/api/server.ts';
import { rewriteZunUrl } from '../../src/api/zun/rewrite-url.ts';
import { zunService } from '../../src/api/zun/service.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Authenticator } from '../../src/control/authenticator.ts';
import { Failure } from '../../src/model/failure.ts';
import { callerOf, createWorld, type World, type WorldParts } from './container-world.ts';

/** A token is a project's name; `admin` is an administrator, `reader-of-<project>` has no role but `reader`. */
export const nameTokens: Authenticator = {
  async authenticate(token, requestId) {
    if (!/^[a-z-]+$/.test(token)) throw new Failure('unauthorized', 'no such token');
    const [, readerOf] = /^reader-of-(.+)$/.exec(token) ?? [];
    if (readerOf !== undefined) return { ...callerOf(readerOf), roles: ['reader'], requestId };
    return { ...callerOf(token, token === 'admin'), requestId };
  },
};

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | number | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the service answered
  readonly body: any;
}

export interface AskOptions {
  readonly token?: string | null;
  readonly version?: string | null;
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string;
  readonly headers?: Record<string, string>;
}

export interface ZunApi {
  readonly world: World;
  readonly app: FastifyInstance;
  ask(method: string, url: string, options?: AskOptions): Promise<Answer>;
  close(): Promise<void>;
}

export async function createZunApi(
  overrides: Record<string, unknown> = {},
  parts: WorldParts = {},
): Promise<ZunApi> {
  const world = await createWorld(overrides, parts);
  const app = await createServer({
    log: silentLog(),
    rewriteUrl: rewriteZunUrl,
    services: [zunService({ control: world.control, authenticator: nameTokens, config: world.config })],
  });
  await app.ready();
  return {
    world,
    app,
    async ask(method, url, options = {}) {
      const { token = 'alice', version = '1.40', body, raw, headers = {} } = options;
      const response = await app.inject({
        method: method as 'GET',
        url,
        headers: {
          ...(token === null ? {} : { 'x-auth-token': token }),
          ...(version === null ? {} : { 'openstack-api-version': `container ${version}` }),
          ...(body === undefined && raw === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(raw !== undefined
          ? { payload: raw }
          : body === undefined
            ? {}
            : { payload: JSON.stringify(body) }),
      });
      const text = response.payload;
      const isJson = text !== '' && String(response.headers['content-type'] ?? '').includes('json');
      return {
        status: response.statusCode,
        headers: response.headers,
        body: isJson ? JSON.parse(text) : text,
      };
    },
    async close() {
      await app.close();
      await world.close();
    },
  };
}
