import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { TestIdentity, type TestUser } from '../../../test/helpers/identity.ts';
import { silentLog } from '../../base/log.ts';
import { createServer } from '../server.ts';
import { policies } from './policy.ts';
import { endpoints, keystoneService } from './service.ts';

/** What the assertions below look at; the API's answers are deeper. */
// biome-ignore lint/suspicious/noExplicitAny: the shape under test is the answer's, not a type's
type Json = any;

interface Answer {
  readonly status: number;
  readonly body: Json;
  readonly headers: Readonly<Record<string, unknown>>;
}

let world: TestIdentity;
let app: FastifyInstance;
let root: TestUser;
let alice: TestUser;
let bob: TestUser;
const tokens = { root: '', alice: '', bob: '' };

before(async () => {
  world = await TestIdentity.open({ logInsPerMinute: 3 });
  root = await world.addUser('root', 'admin');
  alice = await world.addUser('alice');
  bob = await world.addUser('bob');
  const config = { publicUrl: '', region: 'RegionOne' };
  const log = silentLog();
  app = await createServer({ log, services: [keystoneService({ identity: world.identity, config, log })] });
  tokens.root = await world.token(root);
  tokens.alice = await world.token(alice);
  tokens.bob = await world.token(bob);
});
after(async () => {
  await app.close();
  await world.close();
});

async function ask(
  line: string,
  options: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const [method = '', path = ''] = line.split(' ');
  const response = await app.inject({
    method: method as 'GET',
    url: `/identity${path}`,
    headers: {
      host: 'cloud.example:9517',
      ...(options.token === undefined ? {} : { 'x-auth-token': options.token }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined
      ? {}
      : { payload: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
  });
  return {
    status: response.statusCode,
    body: response.body === '' ? undefined : JSON.parse(response.body),
    headers: response.headers,
  };
}

const asRoot = (line: string, body?: unknown) =>
  ask(line, { token: tokens.root, ...(body === undefined ? {} : { body }) });
const asAlice = (line: string, body?: unknown) =>
  ask(line, { token: tokens.alice, ...(body === undefined ? {} : { body }) });

const logIn = (name: string, password: string, scope?: unknown) => ({
  auth: {
    identity: {
      methods: ['password'],
      password: { user: { name, domain: { name: 'Default' }, password } },
    },
    ...(scope === undefined ? {} : { scope }),
  },
});

describe('version documents', () => {
  test('the root offers v3 with 300, v3 describes itself with 200, both without a token', async () => {
    const all = await ask('GET /');
    assert.equal(all.status, 300);
    assert.equal(all.body.versions.values[0].links[0].href, 'http://cloud.example:9517/identity/v3/');
    const one = await ask('GET /v3');
    assert.deepEqual([one.status, one.body.version.id, one.body.version.status], [200, 'v3.14', 'stable']);
    assert.deepEqual((await ask('GET /v3/')).body, one.body);
  });

  test('a Host header that is no host is not repeated', async () => {
    const { body } = await ask('GET /v3', { headers: { host: 'evil.example/"><script>' } });
    assert.ok(!JSON.stringify(body).includes('script'));
  });
});

describe('POST /auth/tokens', () => {
  test('answers a scoped token with roles and the catalog', async () => {
    const scope = { project: { name: 'alice', domain: { id: 'default' } } };
    const { status, body, headers } = await ask('POST /v3/auth/tokens', {
      body: logIn('alice', 'alice-password', scope),
    });
    assert.equal(status, 201);
    assert.ok(String(headers['x-subject-token']).length < 255);
    assert.match(String(headers['x-openstack-request-id']), /^req-/);
    assert.equal(headers.vary, 'X-Auth-Token');
    const { token } = body;
    assert.deepEqual(token.methods, ['password']);
    assert.deepEqual(token.user, {
      id: alice.user.id,
      name: 'alice',
      domain: { id: 'default', name: 'Default' },
      password_expires_at: null,
    });
    assert.deepEqual(token.project, {
      id: alice.project.id,
      name: 'alice',
      domain: { id: 'default', name: 'Default' },
    });
    assert.equal(token.is_domain, false);
    assert.deepEqual(
      token.roles.map((role: Json) => role.name),
      ['member', 'reader'],
    );
    assert.match(token.expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    assert.match(token.audit_ids[0], /^[\w-]{22}$/);
    const types = token.catalog.map((service: Json) => service.type);
    for (const type of ['identity', 'container', 'network', 'image', 'volumev3', 'block-storage']) {
      assert.ok(types.includes(type), type);
    }
    const volume = token.catalog.find((service: Json) => service.type === 'volumev3');
    assert.deepEqual(
      volume.endpoints.map((one: Json) => [one.interface, one.region, one.region_id, one.url]),
      ['public', 'internal', 'admin'].map((face) => [
        face,
        'RegionOne',
        'RegionOne',
        `http://cloud.example:9517/volume/v3/${alice.project.id}`,
      ]),
    );
  });

  test('leaves the catalog out when asked', async () => {
    const { body } = await ask('POST /v3/auth/tokens?nocatalog', { body: logIn('alice', 'alice-password') });
    assert.ok(!('catalog' in body.token));
    assert.equal(body.token.project.name, 'alice', 'no scope = the default project');
  });

  test('gives an unscoped token neither project nor roles nor catalog', async () => {
    const { body } = await ask('POST /v3/auth/tokens', {
      body: logIn('alice', 'alice-password', 'unscoped'),
    });
    for (const key of ['project', 'roles', 'catalog', 'system']) assert.ok(!(key in body.token), key);
  });

  test('scopes to the system and to a domain when there is a role there', async () => {
    const admin = await world.identity.roles.ensure({ name: 'admin' });
    const { user } = await world.addUser('operator');
    await asRoot(`PUT /v3/system/users/${user.id}/roles/${admin.id}`);
    await asRoot(`PUT /v3/domains/default/users/${user.id}/roles/${admin.id}`);
    const enter = async (scope: unknown) =>
      (await ask('POST /v3/auth/tokens', { body: logIn('operator', 'operator-password', scope) })).body.token;
    assert.deepEqual((await enter({ system: { all: true } })).system, { all: true });
    assert.deepEqual((await enter({ domain: { name: 'Default' } })).domain, {
      id: 'default',
      name: 'Default',
    });
    const refused = await ask('POST /v3/auth/tokens', {
      body: logIn('alice', 'alice-password', { system: { all: true } }),
    });
    assert.equal(refused.status, 401);
  });

  const wrong: Record<string, unknown> = {
    'a wrong password': logIn('bob', 'wrong'),
    'an unknown user': logIn('nobody', 'bob-password'),
    'an unknown project': logIn('bob', 'bob-password', { project: { id: 'f'.repeat(32) } }),
    "somebody else's project": logIn('bob', 'bob-password', {
      project: { name: 'alice', domain: { id: 'default' } },
    }),
    'a bad token': { auth: { identity: { methods: ['token'], token: { id: 'gAAAA' } } } },
    'an unknown application credential': {
      auth: {
        identity: {
          methods: ['application_credential'],
          application_credential: { id: 'f'.repeat(32), secret: 'x' },
        },
      },
    },
  };
  for (const [what, body] of Object.entries(wrong)) {
    test(`refuses ${what} with the same 401`, async () => {
      const answer = await ask('POST /v3/auth/tokens', { body });
      assert.equal(answer.status, 401);
      assert.deepEqual(answer.body, {
        error: {
          code: 401,
          message: 'The request you have made requires authentication.',
          title: 'Unauthorized',
        },
      });
      assert.equal(answer.headers['www-authenticate'], 'Keystone uri="http://cloud.example:9517/identity"');
    });
  }

  const faulty: Record<string, [body: unknown, message: RegExp]> = {
    'an empty body': [{}, /^Expecting to find auth in request body/],
    'no JSON': ['x', /^Expecting to find valid JSON in request body/],
    'no method': [{ auth: { identity: { methods: [] } } }, /auth\.identity\.methods/],
    'a method without its part': [
      { auth: { identity: { methods: ['password'] } } },
      /auth\.identity\.password/,
    ],
    'a user name without a domain': [
      {
        auth: {
          identity: { methods: ['password'], password: { user: { name: 'alice', password: 'x' } } },
        },
      },
      /auth\.identity\.password\.user\.domain/,
    ],
    'two scopes': [
      logIn('alice', 'x', { system: { all: true }, domain: { id: 'default' } }),
      /auth\.scope: expected exactly one/,
    ],
    'an unknown scope': [logIn('alice', 'x', { planet: {} }), /'planet': there is no such field/],
  };
  for (const [what, [body, message]] of Object.entries(faulty)) {
    test(`refuses ${what} with 400 naming what is missing`, async () => {
      const answer = await ask('POST /v3/auth/tokens', { body });
      assert.equal(answer.status, 400);
      assert.equal(answer.body.error.title, 'Bad Request');
      assert.match(answer.body.error.message, message);
    });
  }

  test('a password of the wrong type is refused without being repeated', async () => {
    const body = logIn('alice', 12345678 as unknown as string);
    const answer = await ask('POST /v3/auth/tokens', { body });
    assert.equal(answer.status, 400);
    assert.ok(!JSON.stringify(answer.body).includes('12345678'));
  });

  test('too many failures are 429 with Retry-After', async () => {
    await world.addUser('victim');
    for (let i = 0; i < 3; i++) await ask('POST /v3/auth/tokens', { body: logIn('victim', 'wrong') });
    const answer = await ask('POST /v3/auth/tokens', { body: logIn('victim', 'victim-password') });
    assert.equal(answer.status, 429);
    assert.deepEqual([answer.body.error.code, answer.body.error.title], [429, 'Too Many Requests']);
    assert.ok(Number(answer.headers['retry-after']) > 0);
  });
});

describe('checking and revoking tokens', () => {
  const subject = (text: string) => ({ 'x-subject-token': text });

  test('a token checks itself, echoed in the header; HEAD has no body', async () => {
    const mine = { token: tokens.alice, headers: subject(tokens.alice) };
    const got = await ask('GET /v3/auth/tokens', mine);
    assert.deepEqual([got.status, got.headers['x-subject-token']], [200, tokens.alice]);
    assert.equal(got.body.token.user.name, 'alice');
    const head = await ask('HEAD /v3/auth/tokens', mine);
    assert.deepEqual([head.status, head.body], [200, undefined]);
  });

  test("somebody else's needs admin or service", async () => {
    const refused = await ask('GET /v3/auth/tokens', { token: tokens.bob, headers: subject(tokens.alice) });
    assert.equal(refused.status, 403);
    assert.equal(
      refused.body.error.message,
      'You are not authorized to perform the requested action: identity:validate_token.',
    );
    const service = await world.token(await world.addUser('zun', 'service'));
    for (const token of [tokens.root, service]) {
      assert.equal((await ask('GET /v3/auth/tokens', { token, headers: subject(tokens.alice) })).status, 200);
    }
  });

  test('a bad subject is 404, a missing one too, a bad caller 401', async () => {
    const status = async (options: Parameters<typeof ask>[1]) =>
      (await ask('GET /v3/auth/tokens', options)).status;
    assert.equal(await status({ token: tokens.root, headers: subject('nonsense') }), 404);
    assert.equal(await status({ token: tokens.root }), 404);
    assert.equal(await status({ token: 'nonsense', headers: subject(tokens.alice) }), 401);
    assert.equal(await status({ headers: subject(tokens.alice) }), 401);
  });

  test('a revoked token is 404 as subject and 401 as caller', async () => {
    const text = await world.token(alice);
    const revoked = await ask('DELETE /v3/auth/tokens', { token: text, headers: subject(text) });
    assert.deepEqual([revoked.status, revoked.body], [204, undefined]);
    assert.equal(
      (await ask('GET /v3/auth/tokens', { token: tokens.root, headers: subject(text) })).status,
      404,
    );
    assert.equal((await ask('GET /v3/auth/projects', { token: text })).status, 401);
    assert.equal((await asAlice('GET /v3/auth/projects')).status, 200, 'the others stay');
  });
});

describe('who may do what', () => {
  test('a plain user sees the own user and project, and lists only the own projects', async () => {
    const refused = await asAlice('GET /v3/projects');
    assert.equal(refused.status, 403);
    assert.deepEqual(refused.body.error, {
      code: 403,
      message: 'You are not authorized to perform the requested action: identity:list_projects.',
      title: 'Forbidden',
    });
    const mine = await asAlice(`GET /v3/users/${alice.user.id}/projects`);
    assert.deepEqual(
      mine.body.projects.map((project: Json) => project.name),
      ['alice'],
    );
    assert.equal((await asAlice(`GET /v3/users/${alice.user.id}`)).body.user.name, 'alice');
    assert.equal((await asAlice(`GET /v3/projects/${alice.project.id}`)).body.project.name, 'alice');
  });

  test('a plain user learns nothing about others, not even whether they exist', async () => {
    for (const id of [bob.user.id, 'f'.repeat(32)]) {
      for (const path of ['', '/projects', '/application_credentials', '/access_rules', '/groups']) {
        assert.equal((await asAlice(`GET /v3/users/${id}${path}`)).status, 403, path);
      }
    }
    for (const id of [bob.project.id, 'f'.repeat(32)]) {
      assert.equal((await asAlice(`GET /v3/projects/${id}`)).status, 403);
    }
  });

  const open = new Set(['public', 'authenticated', 'identity:list_regions', 'identity:get_region']);
  const own = /auth_|limits|_user_projects|get_user$|application_credential|access_rules|groups_for_user/;
  for (const { method, path, policy } of endpoints) {
    if (open.has(policy) || own.test(policy)) continue;
    test(`${method} ${path} is 403 for a plain user`, async () => {
      const url = path
        .replace(':user_id', bob.user.id)
        .replace(':project_id', bob.project.id)
        .replace(':domain_id', 'default')
        .replaceAll(/:\w+/g, 'f'.repeat(32));
      const answer = await asAlice(`${method} ${url}`, method === 'GET' ? undefined : {});
      assert.equal(answer.status, 403);
      assert.match(answer.body.error.message, new RegExp(`${policy}\\.$`));
    });
  }

  test('every row of the policy table is used', () => {
    const used = new Set<string>(endpoints.map(({ policy }) => policy));
    // Checked in the handler, where the token asked about is known.
    for (const action of ['identity:validate_token', 'identity:revoke_token']) used.add(action);
    assert.deepEqual(
      Object.keys(policies).filter((action) => !used.has(action)),
      [],
    );
  });

  test('without a token everything but logging in is 401', async () => {
    for (const { method, path, policy } of endpoints) {
      if (policy === 'public') continue;
      assert.equal((await ask(`${method} ${path.replaceAll(':', '')}`)).status, 401, `${method} ${path}`);
    }
  });
});

describe('resources', () => {
  test('a project lives: 201, 200 by id and by name, PATCH, 204, 404', async () => {
    const made = await asRoot('POST /v3/projects', {
      project: { name: 'lab', description: 'x', tags: ['a'] },
    });
    assert.equal(made.status, 201);
    const { id } = made.body.project;
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.deepEqual(made.body.project, {
      id,
      name: 'lab',
      domain_id: 'default',
      description: 'x',
      enabled: true,
      parent_id: 'default',
      is_domain: false,
      tags: ['a'],
      options: {},
      links: { self: `http://cloud.example:9517/identity/v3/projects/${id}` },
    });
    const byName = await asRoot('GET /v3/projects/lab');
    assert.deepEqual(byName.body, {
      error: { code: 404, message: 'Could not find project: lab.', title: 'Not Found' },
    });
    const list = await asRoot('GET /v3/projects?name=lab&no_such_parameter=1');
    assert.deepEqual(list.body.projects, [made.body.project]);
    assert.deepEqual(list.body.links, {
      next: null,
      self: 'http://cloud.example:9517/identity/v3/projects?name=lab&no_such_parameter=1',
      previous: null,
    });
    const changed = await asRoot(`PATCH /v3/projects/${id}`, { project: { enabled: false } });
    assert.deepEqual(changed.body.project, { ...made.body.project, enabled: false });
    assert.equal((await asRoot(`DELETE /v3/projects/${id}`)).status, 204);
    assert.equal((await asRoot(`DELETE /v3/projects/${id}`)).status, 404);
  });

  test('a taken name is 409, in another domain it is free', async () => {
    const taken = await asRoot('POST /v3/projects', { project: { name: 'alice' } });
    assert.deepEqual([taken.status, taken.body.error.title], [409, 'Conflict']);
    assert.equal((await asRoot('POST /v3/users', { user: { name: 'alice' } })).status, 409);
    assert.equal((await asRoot('POST /v3/roles', { role: { name: 'member' } })).status, 409);
    const { body } = await asRoot('POST /v3/domains', { domain: { name: 'other' } });
    const free = await asRoot('POST /v3/projects', { project: { name: 'alice', domain_id: body.domain.id } });
    assert.equal(free.status, 201);
    const renamed = await asRoot(`PATCH /v3/projects/${bob.project.id}`, { project: { name: 'alice' } });
    assert.equal(renamed.status, 409);
  });

  test('a user never shows a password; one with a default project shows it', async () => {
    const made = await asRoot('POST /v3/users', {
      user: { name: 'carol', password: 'carol-password', default_project_id: alice.project.id, email: 'c@x' },
    });
    assert.equal(made.status, 201);
    assert.equal(made.body.user.default_project_id, alice.project.id);
    assert.ok(!JSON.stringify(made.body).includes('carol-password'));
    const { id } = made.body.user;
    for (const line of [`GET /v3/users/${id}`, 'GET /v3/users', 'GET /v3/users?name=carol']) {
      assert.ok(!JSON.stringify((await asRoot(line)).body).includes('argon2'), line);
    }
    assert.ok(
      !(
        'default_project_id' in
        (await asRoot(`PATCH /v3/users/${id}`, { user: { default_project_id: null } })).body.user
      ),
    );
  });

  test('a user changes the own password with the old one, and only with it', async () => {
    const { user } = await world.addUser('dave');
    const change = (original_password: string) =>
      ask(`POST /v3/users/${user.id}/password`, { body: { user: { original_password, password: 'new' } } });
    assert.equal((await change('wrong')).status, 401);
    assert.equal((await change('dave-password')).status, 204);
    assert.equal((await ask('POST /v3/auth/tokens', { body: logIn('dave', 'dave-password') })).status, 401);
    assert.equal((await ask('POST /v3/auth/tokens', { body: logIn('dave', 'new') })).status, 201);
  });

  test('a grant is put, checked, listed by its role and taken away', async () => {
    const role = (await world.identity.roles.list({ name: 'reader' }))[0];
    const path = `/v3/projects/${alice.project.id}/users/${bob.user.id}/roles`;
    assert.equal((await asRoot(`GET ${path}/${role?.id}`)).status, 404);
    assert.equal((await asRoot(`PUT ${path}/${role?.id}`)).status, 204);
    assert.equal((await asRoot(`HEAD ${path}/${role?.id}`)).status, 204);
    const held = await asRoot(`GET ${path}`);
    assert.deepEqual(
      held.body.roles.map((one: Json) => one.name),
      ['reader'],
    );
    assert.equal((await asRoot(`DELETE ${path}/${role?.id}`)).status, 204);
    assert.equal((await asRoot(`DELETE ${path}/${role?.id}`)).status, 404);
    assert.equal((await asRoot(`PUT ${path}/${'f'.repeat(32)}`)).status, 404);
  });

  test('assignments are listed plain, with names, and with what they imply', async () => {
    const mine = `user.id=${alice.user.id}&scope.project.id=${alice.project.id}`;
    const member = (await world.identity.roles.list({ name: 'member' }))[0];
    const plain = await asRoot(`GET /v3/role_assignments?${mine}`);
    assert.deepEqual(plain.body.role_assignments, [
      {
        user: { id: alice.user.id },
        role: { id: member?.id },
        scope: { project: { id: alice.project.id } },
        links: {
          assignment: `http://cloud.example:9517/identity/v3/projects/${alice.project.id}/users/${alice.user.id}/roles/${member?.id}`,
        },
      },
    ]);
    const named = await asRoot(`GET /v3/role_assignments?${mine}&include_names=True`);
    const domain = { id: 'default', name: 'Default' };
    const [first] = named.body.role_assignments;
    assert.deepEqual(first.user, { id: alice.user.id, name: 'alice', domain });
    assert.deepEqual(first.role, { id: member?.id, name: 'member' });
    assert.deepEqual(first.scope, { project: { id: alice.project.id, name: 'alice', domain } });
    const effective = await asRoot(`GET /v3/role_assignments?${mine}&effective`);
    assert.equal(effective.body.role_assignments.length, 2);
  });

  test('implied roles are listed; a circle is refused', async () => {
    const { body } = await asRoot('GET /v3/role_inferences');
    const [admin] = body.role_inferences;
    assert.deepEqual([admin.prior_role.name, admin.implies[0].name], ['admin', 'member']);
    const circle = `PUT /v3/roles/${admin.implies[0].id}/implies/${admin.prior_role.id}`;
    assert.equal((await asRoot(circle)).status, 400);
  });

  test('roles that Berth relies on are immutable', async () => {
    const [admin] = await world.identity.roles.list({ name: 'admin' });
    assert.equal((await asRoot(`DELETE /v3/roles/${admin?.id}`)).status, 403);
    assert.equal((await asRoot(`PATCH /v3/roles/${admin?.id}`, { role: { name: 'boss' } })).status, 403);
    assert.deepEqual((await asRoot(`GET /v3/roles/${admin?.id}`)).body.role.options, { immutable: true });
  });

  test('a domain is disabled before it is deleted, with all that is in it', async () => {
    const { body } = await asRoot('POST /v3/domains', { domain: { name: 'short-lived' } });
    const { id } = body.domain;
    const made = await asRoot('POST /v3/users', { user: { name: 'eve', domain_id: id } });
    assert.equal((await asRoot(`DELETE /v3/domains/${id}`)).status, 403);
    await asRoot(`PATCH /v3/domains/${id}`, { domain: { enabled: false } });
    assert.equal((await asRoot(`DELETE /v3/domains/${id}`)).status, 204);
    assert.equal((await asRoot(`GET /v3/users/${made.body.user.id}`)).status, 404);
  });

  test('an application credential shows its secret once and logs in', async () => {
    const path = `/v3/users/${alice.user.id}/application_credentials`;
    const made = await asAlice(`POST ${path}`, {
      application_credential: {
        name: 'ci',
        roles: [{ name: 'reader' }],
        expires_at: '2030-06-01T00:00:00.000000Z',
      },
    });
    assert.equal(made.status, 201);
    const { id, secret, ...rest } = made.body.application_credential;
    assert.ok(secret.length > 40);
    assert.deepEqual(
      [rest.expires_at, rest.unrestricted, rest.system, rest.project_id],
      ['2030-06-01T00:00:00.000000', false, null, alice.project.id],
    );
    assert.ok(!JSON.stringify((await asAlice(`GET ${path}`)).body).includes('secret'));
    const entered = await ask('POST /v3/auth/tokens', {
      body: {
        auth: {
          identity: { methods: ['application_credential'], application_credential: { id, secret } },
        },
      },
    });
    assert.equal(entered.status, 201);
    assert.deepEqual(entered.body.token.application_credential, { id, name: 'ci', restricted: true });
    assert.equal((await asAlice(`POST ${path}`, { application_credential: { name: 'ci' } })).status, 409);
    assert.equal((await ask(`GET ${path}/${id}`, { token: tokens.bob })).status, 403);
    const underBob = `/v3/users/${bob.user.id}/application_credentials/${id}`;
    assert.equal((await ask(`GET ${underBob}`, { token: tokens.bob })).status, 404, "not bob's");
    assert.equal((await asAlice(`DELETE ${path}/${id}`)).status, 204);
  });

  test('a credential with access rules opens those requests only', async () => {
    const path = `/v3/users/${alice.user.id}/application_credentials`;
    const made = await asAlice(`POST ${path}`, {
      application_credential: {
        name: 'narrow',
        access_rules: [{ service: 'identity', method: 'GET', path: '/v3/auth/**' }],
      },
    });
    const { id, secret } = made.body.application_credential;
    const enter = (identity: unknown) => ask('POST /v3/auth/tokens', { body: { auth: { identity } } });
    const first = await enter({
      methods: ['application_credential'],
      application_credential: { id, secret },
    });
    const token = String(first.headers['x-subject-token']);
    const second = await enter({ methods: ['token'], token: { id: token } });
    for (const narrow of [token, String(second.headers['x-subject-token'])]) {
      assert.equal((await ask('GET /v3/auth/projects', { token: narrow })).status, 200);
      assert.equal((await ask(`GET /v3/users/${alice.user.id}`, { token: narrow })).status, 401);
      assert.equal((await ask('DELETE /v3/auth/tokens', { token: narrow })).status, 401);
    }
    const { access_rules } = (await asAlice(`GET /v3/users/${alice.user.id}/access_rules`)).body;
    assert.deepEqual([access_rules.length, access_rules[0].path], [1, '/v3/auth/**']);
  });

  test('services, endpoints and regions can be read and not edited', async () => {
    const { services } = (await asRoot('GET /v3/services?type=network')).body;
    assert.equal(services.length, 1);
    const { body } = await asRoot(`GET /v3/endpoints?service_id=${services[0].id}&interface=public`);
    assert.deepEqual(
      body.endpoints.map((one: Json) => [one.url, one.enabled]),
      [['http://cloud.example:9517/network', true]],
    );
    assert.equal((await asRoot(`GET /v3/services/${services[0].id}`)).status, 200);
    assert.equal((await asRoot('GET /v3/services/network')).status, 404);
    assert.equal((await asRoot('GET /v3/regions')).body.regions[0].id, 'RegionOne');
    assert.equal((await asRoot('POST /v3/services', { service: { type: 'x' } })).status, 403);
  });

  test('there are no groups', async () => {
    assert.deepEqual((await asRoot('GET /v3/groups')).body.groups, []);
    assert.equal((await asRoot('GET /v3/groups/x')).status, 404);
    assert.equal((await asRoot('POST /v3/groups', { group: { name: 'x' } })).status, 501);
  });
});

describe('bad input', () => {
  const cases: Record<string, [line: string, body: unknown, message: RegExp]> = {
    'a missing name': ['POST /v3/projects', { project: {} }, /'project': 'name' is a required property/],
    'an unknown field': ['POST /v3/projects', { project: { name: 'x', color: 1 } }, /'project\.color'/],
    'a wrong type': ['POST /v3/projects', { project: { name: 5 } }, /'project\.name': 5 must be string/],
    'a long name': ['POST /v3/projects', { project: { name: 'x'.repeat(65) } }, /'project\.name'.*64/],
    'a blank name': ['POST /v3/users', { user: { name: '  ' } }, /'user\.name'/],
    'a control character': ['POST /v3/users', { user: { name: 'a\nb' } }, /'user\.name'/],
    'a nested project': [
      'POST /v3/projects',
      { project: { name: 'x', parent_id: 'f'.repeat(32) } },
      /'project\.parent_id'.*'default'/,
    ],
    'a bad expiry': [
      'POST /v3/users/ROOT/application_credentials',
      { application_credential: { name: 'x', expires_at: 'tomorrow' } },
      /expires_at.*"tomorrow"/,
    ],
    'a past expiry': [
      'POST /v3/users/ROOT/application_credentials',
      { application_credential: { name: 'x', expires_at: '2001-01-01T00:00:00' } },
      /expires_at.*past/,
    ],
  };
  for (const [what, [line, body, message]] of Object.entries(cases)) {
    test(`${what} is 400 and named`, async () => {
      const answer = await asRoot(line.replace('ROOT', root.user.id), body);
      assert.equal(answer.status, 400);
      assert.match(answer.body.error.message, message);
    });
  }

  test('an unknown default project or domain is 404', async () => {
    const ghost = 'f'.repeat(32);
    assert.equal(
      (await asRoot('POST /v3/users', { user: { name: 'x', default_project_id: ghost } })).status,
      404,
    );
    assert.equal(
      (await asRoot('POST /v3/projects', { project: { name: 'x', domain_id: ghost } })).status,
      404,
    );
  });

  test('an unknown path is 404, a wrong method 405', async () => {
    assert.equal((await asRoot('GET /v3/planets')).status, 404);
    assert.equal((await asRoot('GET /v2.0')).status, 404);
    const answer = await asRoot('PUT /v3/projects');
    assert.deepEqual(
      [answer.status, answer.body, answer.headers.allow],
      [405, { message: 'The method is not allowed for the requested URL.' }, 'GET, HEAD, POST'],
    );
  });
});
