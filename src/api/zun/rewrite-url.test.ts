import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rewriteZunUrl } from './rewrite-url.ts';

const cases: readonly (readonly [string, string])[] = [
  ['/containers', '/v1/containers'],
  ['/v1/containers/?limit=1', '/v1/containers?limit=1'],
  ['/v1/containers//web//start/', '/v1/containers/web/start'],
  ['//containers//web', '/v1/containers/web'],
  ['/v1/containers/web.json', '/v1/containers/web'],
  ['/containers.json?a=/x//y.json', '/v1/containers?a=/x//y.json'],
  ['/v1.json', '/v1'],
  ['/v1/', '/v1'],
  ['/v1/containers/a.txt', '/v1/containers/a.txt'],
  ['/quota_classes/default', '/v1/quota_classes/default'],
];
for (const [from, to] of cases) test(`${from} is ${to}`, () => assert.equal(rewriteZunUrl(from), to));

for (const url of [
  '/',
  '/identity/v3/auth/tokens',
  '/network/v2.0/networks.json',
  '/networking',
  '/image/v2/images',
  '/volume/v3//x',
  '/healthcheck',
]) {
  test(`${url} stays`, () => assert.equal(rewriteZunUrl(url), url));
}
