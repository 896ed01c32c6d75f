import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import { baseUrlOf } from './base-url.ts';

const table: [host: string, publicUrl: string, base: string][] = [
  ['cloud.example:9517', '', 'http://cloud.example:9517'],
  ['127.0.0.1', '', 'http://127.0.0.1'],
  ['[2001:db8::1]:9517', '', 'http://[2001:db8::1]:9517'],
  ['evil.example/"><script>', '', 'http://localhost'],
  ['user@evil.example', '', 'http://localhost'],
  ['cloud.example', 'https://berth.example/', 'https://berth.example'],
];

for (const [host, publicUrl, base] of table) {
  test(`Host ${host} and publicUrl "${publicUrl}" make links start with ${base}`, async () => {
    const app = Fastify();
    app.get('/', async (request) => baseUrlOf(request, { publicUrl }));
    const { body } = await app.inject({ url: '/', headers: { host } });
    assert.equal(body, base);
    await app.close();
  });
}
