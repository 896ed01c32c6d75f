import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeCloud } from '../../test/helpers/fake-cloud.ts';
import { isFailure } from '../model/failure.ts';
import { logInBody, type Token } from './authenticate.ts';
import { connect } from './cloud.ts';
import type { Credentials } from './credentials.ts';
import { ServiceFailure } from './http.ts';
import { endpointOf, type TokenStore } from './session.ts';

function credentialsOf(cloud: FakeCloud, password = cloud.password): Credentials {
  return {
    authUrl: `${cloud.url}/identity`,
    logIn: { kind: 'password', user: { name: 'demo', domain: { name: 'Default' } }, password },
    project: { name: 'demo', domain: { name: 'Default' } },
    interface: 'public',
  };
}

class MemoryStore implements TokenStore {
  token: Token | undefined;
  load() {
    return this.token;
  }
  save(token: Token) {
    this.token = token;
  }
  forget() {
    this.token = undefined;
  }
}

test('requests that come together share one log-in, and a kept token needs none', async () => {
  await using fake = await new FakeCloud().listen();
  const tokens = new MemoryStore();
  const credentials = credentialsOf(fake);
  const first = connect({ credentials, tokens });
  await Promise.all([first.containers.list(), first.networks.list('networks')]);
  await connect({ credentials, tokens }).containers.list();
  assert.equal(fake.logIns.length, 1);
});

test('a refused token is renewed once and the request repeated', async () => {
  await using fake = await new FakeCloud().listen();
  const cloud = connect({ credentials: credentialsOf(fake), tokens: new MemoryStore() });
  await cloud.containers.list();
  fake.tokens.clear();
  await cloud.containers.list();
  assert.equal(fake.logIns.length, 2);
});

test('an expired token is not tried', async () => {
  await using fake = await new FakeCloud().listen();
  const tokens = new MemoryStore();
  const credentials = credentialsOf(fake);
  const token = await connect({ credentials }).session.token();
  tokens.token = { ...token, value: 'old', expiresAt: new Date(Date.now() + 10_000).toISOString() };
  await connect({ credentials, tokens }).containers.list();
  assert.equal(tokens.token.value, 'token-2');
  assert.equal(fake.requests.filter((line) => line.includes('containers')).length, 1);
});

test('a wrong password is not tried twice', async () => {
  await using fake = await new FakeCloud().listen();
  const cloud = connect({ credentials: credentialsOf(fake, 'wrong') });
  await assert.rejects(cloud.containers.list(), (error) => isFailure(error, 'unauthorized'));
  assert.equal(fake.logIns.length, 1);
});

test('errors carry the words, the code and the request id of the service', async () => {
  await using fake = await new FakeCloud().listen();
  const cloud = connect({ credentials: credentialsOf(fake) });
  await assert.rejects(cloud.containers.get('nope'), (error) => {
    assert.ok(error instanceof ServiceFailure);
    assert.equal(error.message, 'Container nope could not be found.');
    assert.equal(error.code, 'container-not-found');
    assert.equal(error.httpStatus, 404);
    assert.match(error.requestId ?? '', /^req-\d+$/);
    return true;
  });
  const missing = cloud.networks.get('networks', crypto.randomUUID());
  await assert.rejects(missing, (error) => isFailure(error, 'network-not-found'));
});

test('nobody there is said in words, and so is nobody answering', async () => {
  const fake = await new FakeCloud().listen();
  const credentials = credentialsOf(fake);
  await fake[Symbol.asyncDispose]();
  await assert.rejects(connect({ credentials }).containers.list(), {
    code: 'unavailable',
    message: `cannot reach ${new URL(credentials.authUrl).origin}: connection refused`,
  });
  const never = connect({
    credentials,
    timeoutMs: 20,
    fetch: (_, { signal }) =>
      new Promise((__, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        // Keeps the test alive while the deadline is the only thing pending.
        setTimeout(() => undefined, 1000).unref();
      }),
  });
  const pending = setInterval(() => undefined, 100);
  await assert.rejects(never.containers.list(), { code: 'timeout' });
  clearInterval(pending);
});

test('long lists are paged through, and a limit ends them', async () => {
  await using fake = await new FakeCloud().listen();
  const { containers } = connect({ credentials: credentialsOf(fake) });
  for (let i = 0; i < 7; i++) await containers.create({ image: 'busybox' }, { run: true });
  fake.pageSize = 3;
  const names = (await containers.list()).map(({ name }) => name);
  assert.deepEqual(
    names,
    Array.from({ length: 7 }, (_, i) => `container-${i + 1}`),
  );
  assert.equal((await containers.list({ limit: 5 })).length, 5);
});

test('names are found, ids are found, several of one name are refused', async () => {
  await using fake = await new FakeCloud().listen();
  const { networks } = connect({ credentials: credentialsOf(fake) });
  const a = await networks.create('networks', { name: 'a' });
  await networks.create('networks', { name: 'twice' });
  await networks.create('networks', { name: 'twice' });
  assert.equal((await networks.find('networks', 'a')).id, a.id);
  assert.equal((await networks.find('networks', a.id)).name, 'a');
  await assert.rejects(networks.find('networks', 'twice'), { code: 'conflict' });
  await assert.rejects(networks.find('networks', 'nope'), { message: 'there is no network nope' });
});

test('an application credential brings its own scope', () => {
  const base = { authUrl: 'http://h', interface: 'public', project: { name: 'demo' } } as const;
  assert.deepEqual(
    logInBody({ ...base, logIn: { kind: 'application-credential', credential: { id: 'c' }, secret: 's' } }),
    {
      auth: {
        identity: {
          methods: ['application_credential'],
          application_credential: { id: 'c', secret: 's' },
        },
      },
    },
  );
  assert.deepEqual(logInBody({ ...base, logIn: { kind: 'token', token: 't' } }), {
    auth: {
      identity: { methods: ['token'], token: { id: 't' } },
      scope: { project: { name: 'demo', domain: { name: 'Default' } } },
    },
  });
});

test('the endpoint is the one of the region and interface, with the version at its end', () => {
  const endpoint = (name: string, region: string, url: string) => ({ interface: name, region, url });
  const catalog = [
    {
      type: 'application-container',
      name: 'zun',
      endpoints: [
        endpoint('internal', 'A', 'http://a-internal/v1'),
        endpoint('public', 'A', 'http://a/container/v1/'),
        endpoint('public', 'B', 'http://b:9517'),
      ],
    },
  ];
  const credentials: Credentials = {
    authUrl: 'http://h',
    interface: 'public',
    logIn: { kind: 'token', token: 't' },
  };
  const inB = { ...credentials, region: 'B' };
  assert.equal(endpointOf(credentials, catalog, 'container'), 'http://a/container/v1');
  assert.equal(endpointOf(inB, catalog, 'container'), 'http://b:9517/v1');
  assert.equal(endpointOf(credentials, catalog, 'identity'), 'http://h/v3');
  assert.throws(() => endpointOf(credentials, catalog, 'network'), /no network service/);
  assert.throws(() => endpointOf({ ...inB, interface: 'admin' }, catalog, 'container'), /in region B/);
  const overridden = { ...credentials, endpoints: { network: 'http://n' } };
  assert.equal(endpointOf(overridden, catalog, 'network'), 'http://n/v2.0');
});
