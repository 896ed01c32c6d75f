import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testKernelContract } from '../../test/kernel-contract.ts';
import { FakeKernel } from './fake.ts';
import type { KernelStep } from './kernel.ts';

testKernelContract('fake kernel', async () => new FakeKernel());

const steps: KernelStep[] = [
  { do: 'ensure-netns', name: 'blue' },
  { do: 'ensure-bridge', netns: 'blue', name: 'br0', mtu: 1500 },
  { do: 'nft', netns: 'blue', script: 'table bridge berth {\n}\nadd rule bridge berth c accept' },
];

test('fake kernel: the asked step fails once, without effect', async () => {
  const kernel = new FakeKernel({ failAt: 2 });
  await assert.rejects(kernel.apply(steps), /step 2 ensure-bridge br0 in blue: broken on purpose/);
  assert.deepEqual(kernel.leftovers(), ['namespace blue']);
  await kernel.apply(steps);
  kernel.failAt((step) => step.do === 'delete-netns');
  await assert.rejects(kernel.apply([{ do: 'delete-netns', name: 'blue' }]), /step 1/);
});

test('fake kernel: leftovers and scripts tell what stands', async () => {
  const kernel = new FakeKernel();
  await kernel.apply(steps);
  assert.deepEqual(kernel.leftovers(), ['namespace blue', 'link br0 in blue', 'table bridge berth in blue']);
  assert.deepEqual(kernel.scripts('blue'), [steps[2]?.do === 'nft' && steps[2].script]);
  await kernel.apply([{ do: 'delete-netns', name: 'blue' }]);
  assert.deepEqual(kernel.leftovers(), []);
});

test('fake kernel: a link that the engine took leaves its other end', async () => {
  const kernel = new FakeKernel();
  await kernel.apply([
    { do: 'ensure-netns', name: 'blue' },
    { do: 'ensure-veth', netns: 'blue', name: 'p1', mtu: 1500, peer: { name: 'c1' } },
  ]);
  kernel.takeLink('c1');
  assert.deepEqual(kernel.leftovers(), ['namespace blue', 'link p1 in blue']);
});
