import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../model/failure.ts';
import { Policy, type PolicyTarget } from '../policy.ts';
import { parseRule } from './language.ts';

const caller = {
  requestId: 'req-1',
  userId: 'u1',
  userName: 'Ann',
  userDomainId: 'default',
  projectId: 'p1',
  projectName: 'one',
  projectDomainId: 'default',
  roles: ['Member', 'reader'],
  isAdmin: false,
};
const own: PolicyTarget = { projectId: 'p1', userId: 'u1', name: 'web', host: null };
const foreign: PolicyTarget = { projectId: 'p2', userId: 'u2' };

/** rule, on an own object, on a foreign one */
const judged: readonly (readonly [unknown, boolean, boolean])[] = [
  ['@', true, true],
  ['!', false, false],
  ['', true, true],
  [[], true, true],
  [[[]], false, false],
  ['role:member', true, true],
  ['role:MEMBER', true, true],
  ['roles:Member', true, true],
  ['role:operator', false, false],
  ['not role:operator', true, true],
  ['not not role:operator', false, false],
  ['project_id:%(project_id)s', true, false],
  ['not project_id:%(project_id)s', false, true],
  ['user_id:u1', true, true],
  ['is_admin:False', true, true],
  ['is_admin:True or project_id:%(project_id)s', true, false],
  ['role:member and user_id:%(user_id)s', true, false],
  // "and" binds closer than "or".
  ['role:member or role:x and role:y', true, true],
  ['(role:member or role:x) and role:y', false, false],
  ['role:x or (not role:y AND (role:member))', true, true],
  ["'web':%(name)s", true, false],
  ['True:True', true, true],
  ['user_name:"Ann"', true, true],
  ['only_reader:False', true, true],
  // What an object does not have equals nothing.
  ['user_name:%(host)s', false, false],
  ['system_scope:all', false, false],
  ['not system_scope:all', true, true],
  [[['role:member', 'project_id:%(project_id)s'], ['role:operator']], true, false],
  [['role:operator', ['role:member']], true, true],
  ['rule:helper', true, false],
];
for (const [rule, onOwn, onForeign] of judged) {
  test(`${JSON.stringify(rule)} means ${onOwn} for an own object, ${onForeign} for a foreign one`, () => {
    const policy = new Policy({ 'container:start': rule, helper: 'project_id:%(project_id)s' });
    assert.equal(policy.allows(caller, 'container:start', own), onOwn);
    assert.equal(policy.allows(caller, 'container:start', foreign), onForeign);
  });
}

const refused: readonly (readonly [unknown, RegExp])[] = [
  ['role', /column 1: "role" is no check/],
  ['role:', /column 1: "role:" is no check/],
  [':x', /column 1/],
  ['role:a or', /column 10: it ends where a check should follow/],
  ['role:a role:b', /column 8: "role:b" is one too many/],
  ['(role:a', /column 8: "\)" is missing for "\(" in column 1/],
  ['role:a)', /column 7: "\)" is one too many/],
  ['and role:a', /column 1: "and" is no check/],
  ['https://example.org/check', /checks by HTTP are not offered/],
  ['proj_id:x', /a caller has no attribute "proj_id"/],
  ['project_id:%(proj_id)s', /column 12: an object has no attribute "proj_id"/],
  [`${'('.repeat(60)}role:a${')'.repeat(60)}`, /nested deeper than 50 levels/],
  ['role:a '.repeat(2000), /at most 8192 characters/],
  [`${'@ and '.repeat(600)}@`, /at most 500 words/],
  [7, /expected a text or a list of lists, not 7/],
  [null, /expected a text or a list of lists, not null/],
  [[['role:a', 5]], /a list holds checks/],
];
for (const [rule, message] of refused) {
  test(`refuses ${JSON.stringify(rule).slice(0, 60)}`, () => {
    assert.throws(
      () => parseRule(rule),
      (error) => error instanceof Failure && message.test(error.message),
    );
  });
}

test('any text is a rule or is refused with a Failure', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '(',
      ')',
      'and',
      'or',
      'not',
      '@',
      '!',
      'role:a',
      'rule:x',
      '%(project_id)s',
      "'a",
      ' ',
      ':',
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      try {
        parseRule(words.join(' '));
      } catch (error) {
        assert.ok(error instanceof Failure, String(error));
      }
    }),
  );
});
