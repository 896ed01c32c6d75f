import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { createZunApi } from '../../../test/helpers/zun-api.ts';
import { zunEndpoints } from './endpoints.ts';
import { replies } from './shapes.ts';

test('GET /openapi.json is an OpenAPI 3.1 document with every endpoint in it, for anybody', async () => {
  const api = await createZunApi();
  try {
    const { status, body } = await api.ask('GET', '/openapi.json', { token: null, version: null });
    assert.equal(status, 200);
    const checked = await new Validator().validate(structuredClone(body));
    assert.deepEqual(checked.errors ?? [], []);
    assert.equal(checked.valid, true);
    const endpoints = zunEndpoints(api.world.control);
    const operations = Object.entries(
      body.paths as Record<string, Record<string, { operationId: string }>>,
    ).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => ({ path, method, operationId })),
    );
    assert.equal(operations.length, endpoints.length);
    assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
    assert.ok(!JSON.stringify(body).includes('"~'));
    assert.equal((await api.ask('POST', '/openapi.json', { token: null })).status, 405);
    const known = new Set(endpoints.map(({ method, path }) => `${method} ${path}`));
    assert.deepEqual(
      Object.keys(replies).filter((key) => !known.has(key)),
      [],
    );
  } finally {
    await api.close();
  }
});
