import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf } from '../../../test/helpers/container-world.ts';
import { createZunApi } from '../../../test/helpers/zun-api.ts';

test('administrators list rules and are told why a user may or may not do something', async () => {
  const api = await createZunApi({}, { findSubject: async (user, project) => callerOf(project ?? user) });
  try {
    const { body: made } = await api.ask('POST', '/v1/containers', { body: { image: 'busybox' } });
    const list = await api.ask('GET', '/v1/policies', { token: 'admin' });
    assert.equal(list.status, 200);
    assert.deepEqual(
      list.body.policies.find(({ rule }: { rule: string }) => rule === 'container:create:privileged'),
      { rule: 'container:create:privileged', text: 'rule:deny_everybody', default: true },
    );
    const why = async (query: string) =>
      (await api.ask('GET', `/v1/policies/container:start/explain?${query}`, { token: 'admin' })).body;
    assert.equal((await why(`user=alice&object=${made.uuid}`)).allowed, true);
    const refused = await why(`user=bob&object=${made.uuid}`);
    assert.equal(refused.allowed, false);
    assert.deepEqual(refused.checks[1], {
      rule: 'admin_or_owner',
      check: 'project_id:%(project_id)s',
      holds: false,
      has: 'bob',
      wants: 'alice',
    });
    const ask = (url: string, token = 'admin') => api.ask('GET', `/v1/policies${url}`, { token });
    assert.equal((await ask('', 'alice')).status, 403);
    assert.equal((await ask('/container:start/explain?user=bob', 'alice')).status, 403);
    assert.equal((await ask('/container:fly/explain?user=bob')).status, 404);
    assert.equal((await ask('/container:start/explain')).status, 400);
    assert.equal((await ask('/container:start/explain?user=bob&object=nothing')).status, 404);
  } finally {
    await api.close();
  }
});
