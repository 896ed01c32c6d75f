import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { silentLog } from '../base/log.ts';
import type { Authenticator } from '../control/authenticator.ts';
import type { Caller } from '../model/caller.ts';
import { Failure } from '../model/failure.ts';
import { authenticated, createServer } from './server.ts';

const plain = { projectId: 'p' } as Caller;
const ports = { id: '1', service: 'network', method: 'GET', path: '/v2.0/ports/*' };
const outside = { id: '2', service: 'network', method: 'GET', path: '/network/v2.0/networks' };
const callers: Record<string, Caller> = {
  plain,
  narrow: { ...plain, accessRules: [ports, outside] },
  closed: { ...plain, accessRules: [] },
};

const authenticator: Authenticator = {
  authenticate: async (token) => {
    const caller = callers[token];
    if (!caller) throw new Failure('unauthorized', 'no');
    return caller;
  },
};

async function ask(
  line: string,
  token: string | undefined,
  serviceType: string | undefined,
): Promise<number> {
  const service = {
    prefix: '/network',
    register: (app: FastifyInstance) => {
      app.addHook('onRequest', authenticated(authenticator, serviceType));
      app.setErrorHandler((error, _request, reply) =>
        reply.code(error instanceof Failure ? error.status : 500).send(),
      );
      app.all('/*', async (request) => request.caller);
    },
  };
  const app = await createServer({ log: silentLog(), services: [service] });
  const [method, url = ''] = line.split(' ');
  const headers = token === undefined ? {} : { 'x-auth-token': token };
  const { statusCode } = await app.inject({ method: method as 'GET', url, headers });
  await app.close();
  return statusCode;
}

const table: [line: string, token: string | undefined, serviceType: string | undefined, status: number][] = [
  ['GET /network/v2.0/ports', undefined, 'network', 401],
  ['GET /network/v2.0/ports', '', 'network', 401],
  ['GET /network/v2.0/ports', 'nobody', 'network', 401],
  ['DELETE /network/v2.0/ports/1', 'plain', 'network', 200],
  ['DELETE /network/v2.0/ports/1', 'plain', undefined, 200],
  ['GET /network/v2.0/ports/1?fields=id', 'narrow', 'network', 200],
  ['GET /network/v2.0/networks', 'narrow', 'network', 200],
  ['DELETE /network/v2.0/ports/1', 'narrow', 'network', 401],
  ['GET /network/v2.0/secret#/network/v2.0/networks', 'narrow', 'network', 401],
  ['GET /network/v2.0/ports', 'narrow', 'network', 401],
  ['GET /network/v2.0/ports/1', 'narrow', 'container', 401],
  ['GET /network/v2.0/ports/1', 'narrow', undefined, 401],
  ['GET /network/v2.0/ports/1', 'closed', 'network', 401],
];
for (const [line, token, serviceType, status] of table) {
  test(`${line} with ${token || 'no'} token is ${status} for service type ${serviceType}`, async () => {
    assert.equal(await ask(line, token, serviceType), status);
  });
}
