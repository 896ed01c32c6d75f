import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf } from '../../../test/helpers/container-world.ts';
import { Policy } from '../policy.ts';
import { defaultRules, type PolicyRule } from './defaults.ts';
import { parsePolicy, readPolicy } from './file.ts';

/** Zun's defaults, by who may: written down once more, so that no change of them goes unnoticed. */
const expected: Readonly<Record<'owner' | 'admin' | 'nobody', string>> = {
  owner: `container:create container:delete container:get_one container:get_all container:update container:start container:stop
    container:reboot container:pause container:unpause container:logs container:execute container:execute_resize container:kill
    container:rename container:attach container:resize container:top container:get_archive container:put_archive container:stats
    container:commit container:add_security_group container:remove_security_group container:network_attach
    container:network_detach container:network_list container:rebuild container:resize_container container:actions
    capsule:create capsule:delete capsule:get capsule:get_all image:search quota:get quota:get_default
    availability_zones:get_all registry:create registry:delete registry:get_one registry:get_all registry:update`,
  admin: `container:create:runtime container:create:image_pull_policy container:create:requested_destination
    container:delete_all_projects container:delete_force container:get_one:host container:get_one:image_pull_policy
    container:get_one:privileged container:get_one:runtime container:get_one_all_projects container:get_all_all_projects
    container:action:events capsule:delete_all_projects capsule:get:host capsule:get_one_all_projects
    capsule:get_all_all_projects image:pull image:get_all image:get_one image:delete zun-service:get_all zun-service:enable
    zun-service:disable zun-service:force_down zun-service:delete host:get_all host:get network:create network:delete
    network:attach_external_network quota:update quota:delete quota_class:get quota_class:update
    registry:get_all_all_projects`,
  nobody: 'container:create:privileged',
};
const words = (text: string) => text.split(/\s+/) as PolicyRule[];

test('the defaults are Zun’s: owners, administrators, nobody', () => {
  const policy = new Policy();
  const [owner, stranger, admin] = [callerOf('p'), callerOf('q'), callerOf('admins', true)];
  const target = { projectId: 'p' };
  const may = (rule: PolicyRule) =>
    [owner, stranger, admin].map((caller) => policy.allows(caller, rule, target));
  for (const rule of words(expected.owner)) assert.deepEqual(may(rule), [true, false, true], rule);
  for (const rule of words(expected.admin)) assert.deepEqual(may(rule), [false, false, true], rule);
  for (const rule of words(expected.nobody)) assert.deepEqual(may(rule), [false, false, false], rule);
  for (const rule of words(expected.owner))
    assert.ok(policy.allows(stranger, rule), `${rule} without an object`);
});

test('a caller with no role but reader reads', () => {
  const policy = new Policy();
  const reader = { ...callerOf('p'), roles: ['reader'] };
  const mayDo = words(expected.owner).filter((rule) => policy.allows(reader, rule, { projectId: 'p' }));
  assert.deepEqual(
    mayDo.map((rule) => rule.replace(/^.*:/, '')).sort(),
    [
      'actions',
      'get',
      'get',
      'get_all',
      'get_all',
      'get_all',
      'get_all',
      'get_default',
      'get_one',
      'get_one',
      'logs',
      'network_list',
      'search',
      'stats',
      'top',
    ].sort(),
  );
});

test('overrides count, also those of the rules that others are made of', () => {
  const policy = parsePolicy(
    'context_is_admin: role:operator\n"container:create:privileged": rule:admin_api\nteam: role:team\n"container:stop": rule:team\n',
    'p',
  );
  const operator = policy.recognise({ ...callerOf('p'), roles: ['operator'] });
  assert.equal(operator.isAdmin, true);
  assert.equal(policy.recognise(callerOf('p', true)).isAdmin, false);
  assert.ok(policy.allows(operator, 'container:create:privileged'));
  assert.ok(policy.allows(operator, 'host:get_all'));
  assert.ok(!policy.allows(operator, 'container:stop', { projectId: 'p' }));
  assert.ok(policy.allows({ ...operator, roles: ['team'] }, 'container:stop', { projectId: 'p' }));
  assert.deepEqual(policy.unknown, []);
  assert.deepEqual(new Policy({ 'container:strat': '@' }).unknown, ['container:strat']);
});

const mistakes: readonly (readonly [string, RegExp])[] = [
  ['a: "@"\n"container:start": "role:"\n', /^policy file p\.yaml, line 2: rule "container:start": column 1/],
  ['a: rule:b\nb: rule:a\n', /line 1: rule "a": it asks itself: a → b → a$/],
  [
    '\n"container:start": rule:nothing\n',
    /line 2: rule "container:start": it asks rule:nothing, which does not exist/,
  ],
  ['context_is_admin: is_admin:True\n', /line 1: rule "context_is_admin": it asks is_admin/],
  [
    'admin_or_owner: rule:context_is_admin\ncontext_is_admin: rule:x\nx: is_admin:True\n',
    /"context_is_admin": it asks is_admin/,
  ],
  ['a: "@"\na: "!"\n', /line 2: Map keys must be unique/],
  ['- a\n', /expected a map of rules/],
  ['a: [\n', /line \d/],
  ['7: "@"\n', /line 1: the name of a rule is a text/],
  ['a: {b: c}\n', /line 1: rule "a": expected a text or a list of lists/],
  ['a: true\n', /expected a text or a list of lists, not true/],
];
for (const [text, message] of mistakes) {
  test(`policy.yaml: ${JSON.stringify(text)} stops the start and names the place`, () => {
    assert.throws(() => parsePolicy(text, 'p.yaml'), { message });
  });
}

test('no policy.yaml means the defaults; one that was asked for has to be there', () => {
  assert.equal(
    readPolicy('/nowhere/policy.yaml', { isOptional: true }).list().length,
    Object.keys(defaultRules).length,
  );
  assert.throws(
    () => readPolicy('/nowhere/policy.yaml', { isOptional: false }),
    /cannot read policy file \/nowhere/,
  );
  assert.equal(parsePolicy('# nothing yet\n', 'p').unknown.length, 0);
});

test('an explanation tells every check and how it came out', () => {
  const { text, allowed, reasons } = new Policy().explain(callerOf('p'), 'container:start', {
    projectId: 'q',
  });
  assert.equal(text, 'rule:admin_or_member');
  assert.equal(allowed, false);
  assert.deepEqual(reasons, [
    { rule: 'admin_or_owner', check: 'is_admin:True', holds: false, has: 'False', wants: 'True' },
    { rule: 'admin_or_owner', check: 'project_id:%(project_id)s', holds: false, has: 'p', wants: 'q' },
    { rule: 'admin_or_member', check: 'only_reader:True', holds: false, has: 'False', wants: 'True' },
  ]);
});
