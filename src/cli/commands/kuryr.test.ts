import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCloud } from '../../../test/helpers/command-line.ts';

for (const [options, refusal] of [
  [['--sweep', 'off'], /--sweep off: expected on or dry-run/],
  [['--nested', 'ipvlan', '--link', 'eth0'], /--nested ipvlan: expected vlan or macvlan/],
  [['--nested', 'vlan'], /--nested and --link go together/],
  [['--link', 'eth0'], /--nested and --link go together/],
] as const) {
  test(`berth kuryr ${options.join(' ')} is refused`, async () => {
    await using world = await withCloud();
    const { code, stderr } = await world.berth('kuryr', ...options);
    assert.equal(code, 2, stderr);
    assert.match(stderr, refusal);
  });
}
