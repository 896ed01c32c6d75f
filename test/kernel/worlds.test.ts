/**
 * Random worlds in the real kernel: what packets do in them is what the model says, in every pair, also after random
 * changes; and nothing of a world is left. A world that fails is built again alone by
 * `WORLDS=17 npm test -- kernel/worlds`.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '../../src/base/log.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { Dataplane } from '../../src/network/dataplane.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { until } from '../helpers/until.ts';
import { tool } from '../helpers/wired-container.ts';
import { anyWorld } from '../helpers/world/any-world.ts';
import { anyChange, changed } from '../helpers/world/changes.ts';
import { buildOutside } from '../helpers/world/kernel-outside.ts';
import { KernelWorld } from '../helpers/world/kernel-world.ts';
import { Prober } from '../helpers/world/prober.ts';
import { idsOf } from '../helpers/world/wanted.ts';

enterPrivateNetwork();

const seeds = process.env.WORLDS?.split(',').map(Number) ?? Array.from({ length: 50 }, (_, at) => at + 1);
const instance = randomBytes(2).toString('hex');
let kernel: Kernel;
let prober: Prober;

before(async () => {
  await buildOutside();
  kernel = await openKernel({ log: silentLog() });
  prober = new Prober();
  prober.open('machine', undefined);
  prober.open('outside', 'outside');
});
after(async () => {
  await prober.stop();
  await kernel.close();
});

/** A world and what it becomes: a few changes at once, twice. */
const anyStory = fc.record({
  world: anyWorld,
  chapters: fc.array(fc.array(anyChange, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 2 }),
});

/** All that the machine's own namespace shows. */
async function listing(): Promise<string> {
  const commands = [
    'ip netns',
    'ip -d link',
    'ip -d address',
    'ip route show table all',
    'ip -6 route show table all',
    'ip rule',
    'ip -6 rule',
    'ip neigh',
    'nft --stateless list ruleset',
    'tc qdisc',
  ];
  return (await Promise.all(commands.map((command) => tool('sh', '-c', command)))).join('\n');
}

let sourcePort = 20_000;
const counts = { reached: 0, refused: 0 };

async function check(built: KernelWorld, world: Parameters<KernelWorld['check']>[0]): Promise<void> {
  sourcePort += 1;
  const { reached, refused } = await built.check(world, sourcePort);
  counts.reached += reached;
  counts.refused += refused;
}

for (const seed of seeds) {
  test(`world ${seed}`, async () => {
    const [story] = fc.sample(anyStory, { seed, numRuns: 1 });
    assert.ok(story);
    const earlier = await listing();
    const dataplane = new Dataplane({ kernel, instance, log: silentLog() });
    const built = new KernelWorld({ kernel, dataplane, prober }, idsOf(`world ${seed}`));
    let { world } = story;
    try {
      await built.become(world);
      await check(built, world);
      for (const chapter of story.chapters) {
        world = chapter.reduce(changed, world);
        await built.become(world);
        await check(built, world);
      }
    } finally {
      await built.remove();
    }
    const isAsBefore = async () => {
      assert.equal(await listing(), earlier);
      return true;
    };
    await until('the machine is as before', isAsBefore, { patienceMs: 10_000 });
  });
}

test('enough packets arrived, and enough did not', (t) => {
  t.diagnostic(`${counts.reached} arrived, ${counts.refused} did not`);
  assert.ok(counts.reached > seeds.length * 20 && counts.refused > seeds.length * 20, JSON.stringify(counts));
});
