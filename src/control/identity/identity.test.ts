import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { KyselyPlugin, PluginTransformQueryArgs, PluginTransformResultArgs } from 'kysely';
import { callerOf } from '../../../test/helpers/container-world.ts';
import { TestIdentity, type TestUser } from '../../../test/helpers/identity.ts';
import { loadConfig } from '../../base/config.ts';
import { isFailure } from '../../model/failure.ts';
import { Policy } from '../policy.ts';
import { Secrets } from '../secrets.ts';
import { Sender } from '../webhooks/sender.ts';
import { webhookUseCases } from '../webhooks/webhooks.ts';
import { Identity } from './identity.ts';

const unauthorized = (error: unknown) => isFailure(error, 'unauthorized');

describe('tokens', () => {
  let world: TestIdentity;
  let root: TestUser;
  let serial = 0;
  const someone = () => world.addUser(`user${++serial}`);

  before(async () => {
    world = await TestIdentity.open();
    root = await world.addUser('root', 'admin');
  });
  after(() => world.close());

  test('a token names its caller, whose roles include the implied ones', async () => {
    const caller = await world.identity.authenticate(await world.token(root), 'req-1');
    assert.deepEqual(caller, {
      requestId: 'req-1',
      userId: root.user.id,
      userName: 'root',
      userDomainId: 'default',
      projectId: root.project.id,
      projectName: 'root',
      projectDomainId: 'default',
      roles: ['admin', 'member', 'reader'],
      isAdmin: true,
    });
  });

  test('a token is shorter than 255 characters and gives away neither names nor roles', async () => {
    const text = await world.token(root);
    assert.ok(text.length < 255, `${text.length} characters`);
    const payload = Buffer.from(text.split('.')[1] ?? '', 'base64url').toString('latin1');
    assert.ok(!/root|admin/.test(payload));
  });

  test('a changed token is refused', async () => {
    const text = await world.token(root);
    for (const at of [0, 30, 100, text.length - 1]) {
      const other = text[at] === 'A' ? 'B' : 'A';
      const forged = text.slice(0, at) + other + text.slice(at + 1);
      await assert.rejects(world.identity.authenticate(forged, 'req'), unauthorized, `position ${at}`);
    }
  });

  test('a token without signature is refused', async () => {
    const [, payload] = (await world.token(root)).split('.');
    const header = Buffer.from('{"alg":"none"}').toString('base64url');
    await assert.rejects(world.identity.authenticate(`${header}.${payload}.`, 'req'), unauthorized);
  });

  test('a token expires, cached or not', async () => {
    const text = await world.token(root);
    await world.identity.authenticate(text, 'req');
    world.clock.advance(3601);
    await assert.rejects(world.identity.authenticate(text, 'req'), unauthorized);
  });

  test('a token made from a token lives no longer and remembers where it came from', async () => {
    const { text, token } = await world.identity.logIn.authenticate({
      credentials: { method: 'password', user: { id: root.user.id }, password: root.password },
      scope: { kind: 'unscoped' },
      address: '192.0.2.1',
    });
    await assert.rejects(world.identity.authenticate(text, 'req'), unauthorized, 'unscoped');
    world.clock.advance(60);
    const second = await world.identity.logIn.authenticate({
      credentials: { method: 'token', token: text },
      scope: { kind: 'project', project: { name: 'root', domain: { name: 'Default' } } },
      address: '192.0.2.1',
    });
    assert.deepEqual(second.token.expiresAt, token.expiresAt);
    assert.equal(second.token.auditIds[1], token.auditIds[0]);
    assert.deepEqual(second.token.methods, ['password', 'token']);
  });

  /** What kills a token that was good (and cached) a moment before. */
  const killers: Record<string, (victim: TestUser, text: string) => Promise<unknown>> = {
    'is revoked': async (_, text) => world.identity.tokens.revoke(await world.identity.tokens.validate(text)),
    'belongs to a user with a new password': ({ user }) =>
      world.identity.users.update(user.id, { password: 'another' }),
    'belongs to a disabled user': ({ user }) => world.identity.users.update(user.id, { enabled: false }),
    'belongs to a user disabled and enabled again': async ({ user }) => {
      await world.identity.users.update(user.id, { enabled: false });
      await world.identity.users.update(user.id, { enabled: true });
    },
    'belongs to a deleted user': ({ user }) => world.identity.users.remove(user.id),
    'is for a disabled project': ({ project }) =>
      world.identity.projects.update(project.id, { enabled: false }),
    'is for a deleted project': ({ project }) => world.identity.projects.remove(project.id),
    'is for a project where the user has no role any more': async ({ user }) => {
      for (const assignment of await world.identity.assignments.list({ userId: user.id })) {
        await world.identity.assignments.remove(assignment);
      }
    },
  };
  for (const [what, kill] of Object.entries(killers)) {
    test(`a token dies at once when it ${what}, and so does its user's standing, but for a revocation`, async () => {
      const victim = await someone();
      const standing = () => world.identity.tokens.standingOf(victim.user.id, victim.project.id);
      const text = await world.token(victim);
      await world.identity.authenticate(text, 'req');
      const before = await standing();
      assert.ok(before !== undefined);
      await kill(victim, text);
      assert.equal((await standing()) === before, what === 'is revoked');
      await assert.rejects(world.identity.authenticate(text, 'req'), unauthorized);
    });
  }

  test('a role taken away leaves the token at once, the others stay', async () => {
    const victim = await someone();
    const admin = await world.identity.roles.ensure({ name: 'admin' });
    const assignment = {
      userId: victim.user.id,
      roleId: admin.id,
      target: { kind: 'project', id: victim.project.id },
    } as const;
    await world.identity.assignments.add(assignment);
    const text = await world.token(victim);
    assert.equal((await world.identity.authenticate(text, 'req')).isAdmin, true);
    await world.identity.assignments.remove(assignment);
    const caller = await world.identity.authenticate(text, 'req');
    assert.deepEqual([caller.isAdmin, caller.roles], [false, ['member', 'reader']]);
  });

  test('nobody enters a project without a role there', async () => {
    const [one, other] = [await someone(), await someone()];
    await assert.rejects(
      world.token(one, { kind: 'project', project: { id: other.project.id } }),
      unauthorized,
    );
  });

  test('a disabled user does not log in', async () => {
    const victim = await someone();
    await world.identity.users.update(victim.user.id, { enabled: false });
    await assert.rejects(world.token(victim), unauthorized);
  });
});

describe('application credentials', () => {
  let world: TestIdentity;
  let alice: TestUser;
  before(async () => {
    world = await TestIdentity.open();
    alice = await world.addUser('alice', 'admin');
  });
  after(() => world.close());

  const make = async (wanted: {
    name: string;
    unrestricted?: boolean;
    expiresAt?: Date;
    roles?: [{ name: string }];
  }) => {
    const token = await world.identity.tokens.validate(await world.token(alice));
    return world.identity.applicationCredentials.create(token, {
      description: null,
      accessRules: null,
      unrestricted: false,
      expiresAt: null,
      ...wanted,
    });
  };
  const enter = (id: string, secret: string) =>
    world.identity.logIn.authenticate({
      credentials: { method: 'application_credential', credential: { id }, secret },
      scope: { kind: 'absent' },
      address: '192.0.2.1',
    });

  test('it logs in to its project with its roles only', async () => {
    const { credential, secret } = await make({ name: 'reading', roles: [{ name: 'reader' }] });
    const { text } = await enter(credential.id, secret);
    const caller = await world.identity.authenticate(text, 'req');
    assert.deepEqual([caller.projectId, caller.roles, caller.isAdmin], [alice.project.id, ['reader'], false]);
    await assert.rejects(enter(credential.id, `${secret}x`), unauthorized);
  });

  test('a token of it cannot become more than it', async () => {
    const { credential, secret } = await make({ name: 'narrow', roles: [{ name: 'reader' }] });
    const { text, token } = await enter(credential.id, secret);
    const again = (scope: Parameters<typeof world.token>[1]) =>
      world.identity.logIn.authenticate({
        credentials: { method: 'token', token: text },
        scope: scope ?? { kind: 'absent' },
        address: '192.0.2.1',
      });
    assert.deepEqual(
      (await again({ kind: 'absent' })).token.roles.map(({ name }) => name),
      ['reader'],
    );
    await assert.rejects(again({ kind: 'unscoped' }), unauthorized);
    await assert.rejects(
      world.identity.applicationCredentials.remove(token, alice.user.id, credential.id),
      (error) => isFailure(error, 'policy-not-authorized'),
    );
  });

  test('its tokens die with it and never outlive it', async () => {
    const expiresAt = new Date(world.clock.now().getTime() + 60_000);
    const { credential, secret } = await make({ name: 'short', expiresAt });
    const { text, token } = await enter(credential.id, secret);
    assert.deepEqual(token.expiresAt, expiresAt);
    const owner = await world.identity.tokens.validate(await world.token(alice));
    await world.identity.applicationCredentials.remove(owner, alice.user.id, credential.id);
    await assert.rejects(world.identity.authenticate(text, 'req'), unauthorized);
  });

  test('an expired one does not log in', async () => {
    const { credential, secret } = await make({
      name: 'expired',
      expiresAt: new Date(world.clock.now().getTime() + 1000),
    });
    world.clock.advance(2);
    await assert.rejects(enter(credential.id, secret), unauthorized);
  });

  test('it cannot be given a role that its maker lacks', async () => {
    await assert.rejects(make({ name: 'wide', roles: [{ name: 'service' }] }), (error) =>
      isFailure(error, 'invalid'),
    );
  });
});

describe('guessing', () => {
  const guess = (world: TestIdentity, name: string, password: string, address: string) =>
    world.identity.logIn.authenticate({
      credentials: { method: 'password', user: { name, domain: { id: 'default' } }, password },
      scope: { kind: 'absent' },
      address,
    });

  test('is refused after too many failures, of that user from that address only', async () => {
    const world = await TestIdentity.open({ logInsPerMinute: 3 });
    await world.addUser('alice');
    for (let i = 0; i < 3; i++) {
      await assert.rejects(guess(world, 'alice', 'wrong', '192.0.2.1'), unauthorized);
    }
    await assert.rejects(guess(world, 'alice', 'alice-password', '192.0.2.1'), (error) => {
      assert.ok(isFailure(error, 'too-many-requests'));
      assert.ok((error.retryAfterSeconds ?? 0) >= 1);
      return true;
    });
    await guess(world, 'alice', 'alice-password', '192.0.2.2');
    await world.close();
  });

  test('in parallel gains nothing', async () => {
    const world = await TestIdentity.open({ logInsPerMinute: 3 });
    await world.addUser('alice');
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => guess(world, 'alice', 'wrong', '192.0.2.1')),
    );
    const refused = results.filter(
      (result) => result.status === 'rejected' && isFailure(result.reason, 'too-many-requests'),
    );
    assert.equal(refused.length, 5);
    await world.close();
  });

  test('invented users are limited per address', async () => {
    const world = await TestIdentity.open({ logInsPerMinute: 1 });
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => guess(world, `nobody${i}`, 'wrong', '192.0.2.1')),
    );
    const refused = results.filter(
      (result) => result.status === 'rejected' && isFailure(result.reason, 'too-many-requests'),
    );
    assert.equal(refused.length, 2);
    await world.close();
  });

  test('parallel log-ins with the right password all succeed', async () => {
    const world = await TestIdentity.open({ logInsPerMinute: 2 });
    await world.addUser('alice');
    await Promise.all(Array.from({ length: 6 }, () => guess(world, 'alice', 'alice-password', '192.0.2.1')));
    await world.close();
  });
});

describe('the last administrator', () => {
  test('keeps role, account and project until there is another', async () => {
    const world = await TestIdentity.open();
    const { user, project } = await world.addUser('root', 'admin');
    const { users, projects, roles, assignments } = world.identity;
    const refused = (error: unknown) => isFailure(error, 'conflict');
    const [assignment] = await assignments.list({ userId: user.id });
    assert.ok(assignment);
    await assert.rejects(users.remove(user.id), refused);
    await assert.rejects(users.update(user.id, { enabled: false }), refused);
    await assert.rejects(projects.update(project.id, { enabled: false }), refused);
    await assert.rejects(projects.remove(project.id), refused);
    await assert.rejects(assignments.remove(assignment), refused);
    await assert.rejects(roles.update(assignment.roleId, { name: 'boss' }), (error) => isFailure(error));
    assert.equal((await users.get(user.id)).enabled, true);

    await world.addUser('second', 'admin');
    await users.remove(user.id);
    await world.close();
  });
});

describe('a project that is deleted', () => {
  test('takes its webhooks with it, and no others', async () => {
    const world = await TestIdentity.open();
    await world.addUser('root', 'admin');
    const [gone, other] = [await world.addUser('alice'), await world.addUser('bob')];
    const policy = new Policy();
    const sender = new Sender({ allowed: [], deadlineMs: 1 });
    const secrets = new Secrets(Buffer.alloc(32));
    const config = loadConfig({ env: {} });
    const hooks = webhookUseCases({ db: world.db, clock: world.clock, policy, secrets, sender, config });
    for (const { project } of [gone, other])
      await hooks.create(callerOf(project.id), { url: 'https://hooks.example/' });
    await world.identity.projects.remove(gone.project.id);
    const left = await hooks.list(callerOf('any', true), true);
    assert.deepEqual(
      left.map(({ projectId }) => projectId),
      [other.project.id],
    );
    await world.close();
  });
});

describe('changes at the same time', () => {
  test('do not undo each other', async () => {
    const world = await TestIdentity.open();
    const { user } = await world.addUser('alice');
    const { users } = world.identity;
    await Promise.all([
      users.update(user.id, { password: 'new' }),
      users.update(user.id, { enabled: false }),
      users.update(user.id, { description: 'left' }),
    ]);
    const { enabled, description, generation } = await users.get(user.id);
    assert.deepEqual([enabled, description, generation], [false, 'left', 2]);
    await world.close();
  });

  test('of one name leave one, and a conflict for the others', async () => {
    const world = await TestIdentity.open();
    const results = await Promise.allSettled(
      Array.from({ length: 4 }, () => world.identity.projects.create({ name: 'lab', domainId: 'default' })),
    );
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    assert.equal(reasons.length, 3);
    for (const reason of reasons) assert.ok(isFailure(reason, 'conflict'), String(reason));
    await world.close();
  });

  /** Runs something of the test's in the middle of a look-up, at its n-th query. */
  class AtQuery implements KyselyPlugin {
    #left = 0;
    #run = () => undefined as unknown;
    arm(queries: number, run: () => unknown): void {
      this.#left = queries;
      this.#run = run;
    }
    transformQuery({ node }: PluginTransformQueryArgs) {
      this.#left -= 1;
      if (this.#left === 0) this.#run();
      return node;
    }
    async transformResult({ result }: PluginTransformResultArgs) {
      return result;
    }
  }

  test('a token looked up while its user is disabled is not remembered as good', async () => {
    const world = await TestIdentity.open();
    const alice = await world.addUser('alice');
    const atQuery = new AtQuery();
    const identity = await Identity.open({
      db: world.db.withPlugin(atQuery),
      clock: world.clock,
      tokenSeconds: 3600,
      logInsPerMinute: 30,
    });
    for (let query = 1; query <= 8; query++) {
      await identity.users.update(alice.user.id, { enabled: true });
      const text = await world.token(alice);
      const changed = new Promise((resolve) => {
        atQuery.arm(query, () => resolve(identity.users.update(alice.user.id, { enabled: false })));
      });
      await Promise.allSettled([identity.authenticate(text, 'req')]);
      await changed;
      await assert.rejects(identity.authenticate(text, 'req'), unauthorized, `at query ${query}`);
    }
    await world.close();
  });
});

describe('passwords', () => {
  test('are stored as argon2id hashes only', async () => {
    const world = await TestIdentity.open();
    const { user } = await world.addUser('alice');
    const row = await world.db
      .selectFrom('users')
      .selectAll()
      .where('id', '=', user.id)
      .executeTakeFirstOrThrow();
    assert.match(row.password_hash ?? '', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    assert.ok(!JSON.stringify(row).includes('alice-password'));
    assert.ok(!('passwordHash' in user));
    await world.close();
  });

  test('the foundation and what is ensured stay as they are the second time', async () => {
    const world = await TestIdentity.open();
    const first = await world.addUser('alice');
    await world.identity.ensureFoundation();
    await world.identity.users.ensure({ name: 'alice', domainId: 'default', password: 'other' });
    await world.token(first);
    assert.deepEqual(
      (await world.identity.roles.list()).map(({ name }) => name),
      ['admin', 'member', 'reader', 'service'],
    );
    await world.close();
  });
});
