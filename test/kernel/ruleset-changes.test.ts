/** A ruleset that was changed step by step is, to the kernel, the same as one that was made at once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '../../src/base/log.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { printChanges, printRefill, printRuleset, skeletonsOf } from '../../src/network/plan/changes.ts';
import { planNetworkRuleset } from '../../src/network/plan/network-ruleset.ts';
import type { Ruleset } from '../../src/network/plan/ruleset.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { anyNetwork } from '../helpers/random-network.ts';
import { tool } from '../helpers/wired-container.ts';

enterPrivateNetwork();

let kernel: Kernel;
before(async () => {
  kernel = await openKernel({ log: silentLog() });
});
after(() => kernel.close());

/** Tables with their parts sorted: the kernel lists them in the order in which they were made. */
async function listing(netns: string): Promise<string[]> {
  const text = await tool('ip', 'netns', 'exec', netns, 'nft', '--stateless', 'list', 'ruleset');
  const tables = text.split(/^(?=table )/m);
  return tables.map((table) => {
    const parts = table
      .split(/\n(?=\t(?:chain|set|map) )/)
      .map((part) => sortElements(part.replace(/[\s}]*$/, '')));
    return parts.sort().join('\n');
  });
}

function sortElements(part: string): string {
  const [head, list] = part.split('elements = {');
  if (list === undefined) return part;
  const elements = list.replace(/[{}\n\t]/g, ' ').split(',');
  return `${head} elements ${elements
    .map((one) => one.trim())
    .sort()
    .join(', ')}`;
}

test('changes lead to the same ruleset as making it at once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyNetwork, { minLength: 2, maxLength: 4 }), async (networks) => {
      const rulesets = networks.map((network, at) => planNetworkRuleset(network, at * 1000));
      await kernel.apply([
        { do: 'ensure-netns', name: 'changed' },
        { do: 'ensure-netns', name: 'made' },
      ]);
      try {
        let applied: Ruleset | undefined;
        for (const ruleset of rulesets) {
          await kernel.apply([{ do: 'nft', netns: 'changed', script: printChanges(applied, ruleset) }]);
          applied = ruleset;
        }
        assert.ok(applied);
        await kernel.apply([{ do: 'nft', netns: 'made', script: printChanges(undefined, applied) }]);
        assert.deepEqual(await listing('changed'), await listing('made'));
        assert.equal(printChanges(applied, applied), '');
        const refill = printRefill(skeletonsOf(rulesets[0] ?? []), applied);
        await kernel.apply([
          { do: 'nft', netns: 'made', script: printRuleset(rulesets[0] ?? []) },
          { do: 'nft', netns: 'made', script: refill },
        ]);
        assert.deepEqual(await listing('made'), await listing('changed'));
      } finally {
        await kernel.apply([
          { do: 'delete-netns', name: 'changed' },
          { do: 'delete-netns', name: 'made' },
        ]);
      }
    }),
    { numRuns: 25 },
  );
});
