/** What is told to the API in confidence appears in no answer that it does not belong to, and in no log line. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestIdentity } from '../../../test/helpers/identity.ts';
import { createLog } from '../../base/log.ts';
import { createServer } from '../server.ts';
import { keystoneService } from './service.ts';

test('no secret reaches the log, whatever goes wrong; a bug tells the client nothing but where to look', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-secrets-'));
  const file = join(folder, 'log');
  const fd = openSync(file, 'w');
  const log = createLog({ level: 'trace', fd });
  const world = await TestIdentity.open();
  const alice = await world.addUser('alice');
  const token = await world.token(alice);
  const config = { publicUrl: '', region: 'RegionOne' };
  const app = await createServer({
    log,
    services: [keystoneService({ identity: world.identity, config, log })],
  });
  const url = '/identity/v3/auth/tokens';
  const logIn = (password: unknown) => ({
    auth: { identity: { methods: ['password'], password: { user: { id: alice.user.id, password } } } },
  });
  const ask = (payload: object, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: `${url}?hint=query-secret`, headers, payload });

  await ask(logIn('wrong-secret'));
  const entered = await ask(logIn('alice-password'));
  assert.equal(entered.statusCode, 201);
  assert.equal((await ask(logIn(['listed-secret']))).statusCode, 400);
  const made = await app.inject({
    method: 'POST',
    url: `/identity/v3/users/${alice.user.id}/application_credentials`,
    headers: { 'x-auth-token': token },
    payload: { application_credential: { name: 'ci', secret: 'chosen-secret' } },
  });
  assert.equal(made.statusCode, 201);

  await world.close();
  const broken = await ask(logIn('alice-password'), { 'x-auth-token': token });
  assert.equal(broken.statusCode, 500);
  const request = String(broken.headers['x-openstack-request-id']);
  assert.deepEqual(broken.json(), {
    error: {
      code: 500,
      message: `Internal error; the log has more under ${request}.`,
      title: 'Internal Server Error',
    },
  });

  await app.close();
  closeSync(fd);
  const lines = readFileSync(file, 'utf8');
  rmSync(folder, { recursive: true });
  assert.ok(lines.includes(request), 'the log has the bug');
  const secrets = ['wrong-secret', 'alice-password', 'listed-secret', 'chosen-secret', 'query-secret', token];
  for (const secret of [...secrets, String(entered.headers['x-subject-token']), 'argon2id$']) {
    assert.ok(!lines.includes(secret), `the log has ${secret}`);
  }
});
