import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAllowed, matchesPath } from './access-rules.ts';

const table: [pattern: string, path: string, matches: boolean][] = [
  ['/v1/containers', '/v1/containers', true],
  ['/v1/containers', '/v1/containers/x', false],
  ['/v1/containers', '/v1/container', false],
  ['/v1/*', '/v1/containers', true],
  ['/v1/*', '/v1/', false],
  ['/v1/*', '/v1/containers/x', false],
  ['/v1/*/logs', '/v1/x/logs', true],
  ['/v1/**', '/v1/', true],
  ['/v1/**', '/v1/containers/x/logs', true],
  ['**', '/anything/at/all', true],
  ['/v1/containers/{id}/logs', '/v1/containers/web/logs', true],
  ['/v1/containers/{id}/logs', '/v1/containers//logs', false],
  ['/v1/**/logs', '/v1/a/b/logs', true],
  ['/v1/**/logs', '/v1/a/b/stop', false],
  ['/v1/.+', '/v1/abc', false],
];

for (const [pattern, path, matches] of table) {
  test(`${pattern} ${matches ? 'matches' : 'does not match'} ${path}`, () => {
    assert.equal(matchesPath(pattern, path), matches);
  });
}

test('a hostile pattern costs no more than its length times the path', () => {
  const pattern = '**a'.repeat(42);
  assert.equal(matchesPath(pattern, `/${'a'.repeat(5000)}b`), false);
});

test('service and method must agree too', () => {
  const rules = [{ id: '1', service: 'network', method: 'GET', path: '/v2.0/**' }];
  const request = { service: 'network', method: 'GET', path: '/v2.0/ports' };
  assert.ok(isAllowed(rules, request));
  assert.ok(!isAllowed(rules, { ...request, method: 'POST' }));
  assert.ok(!isAllowed(rules, { ...request, service: 'container' }));
  assert.ok(!isAllowed([], request));
});
