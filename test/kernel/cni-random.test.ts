/** Random sequences of CNI calls as in src/plugins/cni/random-calls.test.ts, fewer, on the kernel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CniSequence, type CniSite, cniSteps, containers } from '../helpers/cni-random.ts';
import { cniWorld } from '../helpers/cni-world.ts';
import { testCaller } from '../helpers/network-control.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { tool } from '../helpers/wired-container.ts';

enterPrivateNetwork();

const numRuns = Number(process.env.CNI_KERNEL_RUNS ?? 8);
const world = cniWorld({ furnish });
const { service } = world;
const admin = testCaller('kuryr', { isAdmin: true });

async function furnish(): Promise<void> {
  const { control } = world;
  const [external] = await control.networks.create(admin, [{ name: 'public', external: true }]);
  assert.ok(external);
  await control.subnets.create(admin, [{ networkId: external.id, cidr: '172.24.4.0/24' }]);
  const [router] = await control.routers.create(admin, [{ gateway: { networkId: external.id } }]);
  assert.ok(router);
  for (const [name, cidr] of [
    ['pods', '10.70.0.0/24'],
    ['tiny', '10.71.0.0/30'],
  ] as const) {
    const network = await service.create('networks', { name });
    const subnet = await service.create('subnets', { network_id: network.id, ip_version: 4, cidr });
    if (name === 'pods') await control.routers.addInterface(admin, router.id, { subnetId: subnet.id });
  }
  await control.networks.create(testCaller('other'), [{ name: 'foreign' }]);
}

test(`random calls on the kernel are answered, and leave nothing (${numRuns} sequences)`, async () => {
  for (const name of containers) await world.makeSandbox(name);
  const linksIn = async (name: string) =>
    (JSON.parse(await tool('ip', '-n', name, '-j', 'link')) as { ifname: string }[])
      .filter(({ ifname }) => ifname !== 'lo')
      .map(({ ifname }) => `${name} ${ifname}`);
  const site: CniSite = {
    stateDir: world.stateDir,
    service,
    netnsOf: (container) => `/run/netns/${container}`,
    startAgent: (around) => world.startAgent(around),
    stopAgent: () => world.stopAgent(),
    interfaces: async () => (await Promise.all(containers.map(linksIn))).flat().toSorted(),
    inventory: async () => ({
      ports: (await service.list('ports', {})).map(({ id }) => id),
      groups: (await service.list('security-groups', {})).map(({ id }) => id),
      namespaces: (await world.kernel.namespaces()).toSorted(),
      links: (await world.kernel.links()).map(({ name }) => name),
      rules: await world.kernel.rules(),
    }),
  };
  await fc.assert(
    fc.asyncProperty(cniSteps, (steps) => CniSequence.run(site, steps)),
    { numRuns, endOnFailure: true, includeErrorInReport: true },
  );
});
