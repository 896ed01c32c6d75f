import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from './config.ts';

test('defaults stand without any source', () => {
  const config = loadConfig({ env: {} });
  assert.equal(config.listen.port, 9517);
  assert.equal(config.containers.pullPolicy, 'ifnotpresent');
});

test('variables override defaults and flags override variables', () => {
  const env = { BERTH_LISTEN_PORT: '9600', BERTH_STATE_DIR: '/a', BERTH_CONTAINERS_DEFAULT_MEMORY_MI_B: '1' };
  assert.equal(loadConfig({ env }).listen.port, 9600);
  const origins = { BERTH_CONSOLES_ALLOWED_ORIGINS: 'https://a.example,http://b:8080,' };
  assert.deepEqual(loadConfig({ env: origins }).consoles.allowedOrigins, [
    'https://a.example',
    'http://b:8080',
  ]);
  assert.equal(loadConfig({ env, overrides: { stateDir: '/b' } }).stateDir, '/b');
});

test('several values are separated by commas', () => {
  const env = { BERTH_WEBHOOKS_ALLOWED_ADDRESSES: '10.0.0.0/8,fd00::/8' };
  assert.deepEqual(loadConfig({ env }).webhooks.allowedAddresses, ['10.0.0.0/8', 'fd00::/8']);
  assert.deepEqual(
    loadConfig({ env: { BERTH_WEBHOOKS_ALLOWED_ADDRESSES: '' } }).webhooks.allowedAddresses,
    [],
  );
});

test('a bad value names the setting and the value', () => {
  assert.throws(
    () => loadConfig({ env: { BERTH_LISTEN_PORT: 'x' } }),
    /setting listen\.port: "x" must be integer/,
  );
  assert.throws(() => loadConfig({ env: {}, overrides: { listen: { prot: 1 } } }), /listen/);
});
