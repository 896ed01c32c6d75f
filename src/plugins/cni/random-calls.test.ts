/**
 * Random sequences of CNI calls against the embedded network service and a host in memory, with failures at every step.
 * `CNI_RUNS=1000` for more; a failure prints its seed. The same on the kernel: test/kernel/cni-random.test.ts.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { CniSequence, type CniSite, cniSteps } from '../../../test/helpers/cni-random.ts';
import { createTestNetwork, testCaller } from '../../../test/helpers/network-control.ts';
import { busNetworkService } from '../../agent/network-service.ts';
import { silentLog } from '../../base/log.ts';
import { Switchboard } from '../../bus/in-process.ts';
import { Failure } from '../../model/failure.ts';
import { parseBindingProfile } from '../../model/host-binding.ts';
import { ipProtocols } from '../../model/ip-protocols.ts';
import type { NetworkService } from '../../wire/network-service.ts';
import type { CniBackend, SandboxInterface } from './backend.ts';
import { type CniService, startCniService } from './service.ts';

const numRuns = Number(process.env.CNI_RUNS ?? 60);
const log = silentLog();

/** A host that keeps its links in a map: those that wait, and those that a sandbox took. */
class MemoryHost implements CniBackend {
  readonly host = 'here';
  readonly service: NetworkService;
  /** Port → where its pair is. */
  readonly links = new Map<string, { endpointId: string; netns?: string; interface?: SandboxInterface }>();

  constructor(service: NetworkService) {
    this.service = service;
  }

  async refuseTaken(asked: Parameters<CniBackend['refuseTaken']>[0], taken: typeof asked): Promise<void> {
    const rival = asked.find((one) => taken.some(({ hostPort }) => hostPort === one.hostPort));
    if (rival) throw new Failure('conflict', `port ${rival.hostPort} is already allocated`);
  }

  /** Host ports lead to `pods` only. */
  async extrasOf(networkId: string, portId: string) {
    const { name } = await this.service.get('networks', networkId);
    const port = await this.service.get('ports', portId);
    const { hostPorts } = parseBindingProfile(port['binding:profile'] as Record<string, unknown>);
    const served = name === 'pods' ? hostPorts : [];
    return {
      hostPorts: served.map(({ protocol, routerPort }) => ({ protocol: ipProtocols[protocol], routerPort })),
      missing: [],
    };
  }

  async plug({ portId, endpointId }: { portId: string; endpointId: string }) {
    this.links.set(portId, { endpointId });
    return { linkName: `c${portId}` };
  }

  async unplug({ portId, endpointId }: { portId: string; endpointId: string }): Promise<void> {
    if (this.links.get(portId)?.endpointId === endpointId) this.links.delete(portId);
  }

  async destinations(netns: string): Promise<ReadonlySet<string>> {
    const there = [...this.links.values()].filter((link) => link.netns === netns);
    return new Set(there.flatMap((link) => link.interface?.routes.map(({ to }) => to) ?? []));
  }

  async attach(netns: string, linkName: string, wanted: SandboxInterface): Promise<void> {
    const link = this.links.get(linkName.slice(1));
    assert.ok(link && link.netns === undefined, 'a link that waits is attached, once');
    Object.assign(link, { netns, interface: wanted });
  }

  async inspect(netns: string, name: string): Promise<SandboxInterface | undefined> {
    return [...this.links.values()].find((link) => link.netns === netns && link.interface?.name === name)
      ?.interface;
  }
}

test(`whatever a runtime asks in whatever order, it is answered, and nothing is left (${numRuns} sequences)`, async () => {
  await using world = await createTestNetwork();
  const { control } = world;
  const board = new Switchboard(log);
  control.serve(board.connect({ kind: 'server' }), async () => testCaller('demo'));
  const service = busNetworkService(board.connect({ kind: 'agent', host: 'here' }));
  for (const [name, cidr] of [
    ['pods', '10.70.0.0/24'],
    ['tiny', '10.71.0.0/30'],
  ] as const) {
    const network = await service.create('networks', { name });
    await service.create('subnets', { network_id: network.id, ip_version: 4, cidr });
  }
  await control.networks.create(testCaller('other'), [{ name: 'foreign' }]);
  const stateDir = await mkdtemp(join(tmpdir(), 'berth-cni-random-'));
  const host = new MemoryHost(service);
  let cni: CniService | undefined;
  const site: CniSite = {
    stateDir,
    service,
    netnsOf: (container) => `/run/netns/${container}`,
    startAgent: async (around) => {
      cni = await startCniService({ stateDir, backend: around(host), log });
    },
    stopAgent: async () => cni?.close(),
    interfaces: async () =>
      [...host.links.values()]
        .map((link) => `${link.netns?.split('/').at(-1)} ${link.interface?.name}`)
        .toSorted(),
    inventory: async () => ({
      ports: await service.list('ports', {}),
      groups: await service.list('security-groups', {}),
      links: [...host.links],
    }),
  };
  try {
    await fc.assert(
      fc.asyncProperty(cniSteps, (steps) => CniSequence.run(site, steps)),
      { numRuns, endOnFailure: true, includeErrorInReport: true },
    );
  } finally {
    await cni?.close();
    await rm(stateDir, { recursive: true });
  }
});
