import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCloud } from '../../../test/helpers/command-line.ts';

test('show tells how a container lives, of a Zun what that has', async () => {
  await using world = await withCloud();
  await world.berth('create', '-n', 'web', 'busybox');
  const entry = { version: 4, port: 'p1', subnet_id: 's1', preserve_on_delete: false };
  Object.assign(world.fake.containers[0] ?? {}, {
    addresses: {
      n1: [
        { ...entry, addr: '10.0.0.5', 'OS-EXT-IPS:type': 'fixed' },
        { ...entry, addr: '172.24.4.9', 'OS-EXT-IPS:type': 'floating' },
      ],
    },
  });
  const own = await world.berth('show', 'web', '-f', 'value', '-c', 'exit_code', '-c', 'addresses');
  assert.deepEqual([own.code, own.stdout], [0, '137\nn1=10.0.0.5\n']);

  world.fake.isZun = true;
  const zun = await world.berth('show', 'web', '-f', 'value', '-c', 'status');
  assert.deepEqual([zun.code, zun.stdout], [0, 'Created\n']);
  const missing = await world.berth('show', 'web', '-c', 'exit_code');
  assert.match(missing.stderr, /there is no column exit_code/);
});
