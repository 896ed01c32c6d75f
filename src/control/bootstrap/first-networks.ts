/** The networks of a first start: `public` leads out of the host; `demo` is a tenant's, routed to it. */
import type { Config } from '../../base/config-schema.ts';
import type { Caller } from '../../model/caller.ts';
import type { Network, Router, Subnet } from '../../model/network.ts';
import type { NetworkControl } from '../network/network-control.ts';
import type { NetworkDraft } from '../network/networks.ts';
import type { RouterDraft } from '../network/routing/routers.ts';
import type { SubnetDraft } from '../network/subnet-rules.ts';
import type { Member } from './member.ts';

type UseCases = Pick<NetworkControl, 'networks' | 'subnets' | 'ports' | 'routers'>;

export interface FirstNetworksOptions {
  readonly config: Pick<Config, 'network'>;
  readonly admin: Member;
  readonly demo: Member;
}

export async function ensureFirstNetworks(network: UseCases, options: FirstNetworksOptions): Promise<void> {
  const { config } = options;
  const [admin, demo] = [options.admin.caller, options.demo.caller];
  const outside = await ensureNetwork(network, admin, { name: 'public', external: true });
  await ensureSubnet(network, admin, {
    networkId: outside.id,
    name: 'public-subnet',
    cidr: config.network.externalCidr,
    // Addresses of the external network are routers' and floating ones: nothing there asks for a lease.
    enableDhcp: false,
  });
  const inside = await ensureNetwork(network, demo, { name: 'demo' });
  const subnet = await ensureSubnet(network, demo, {
    networkId: inside.id,
    name: 'demo-subnet',
    cidr: config.network.demoCidr,
  });
  const router = await ensureRouter(network, demo, {
    name: 'demo-router',
    gateway: { networkId: outside.id },
  });
  const legs = await network.ports.list(demo, { device_id: [router.id], subnet: [subnet.id] });
  if (legs.length === 0) await network.routers.addInterface(demo, router.id, { subnetId: subnet.id });
}

async function ensureNetwork(
  { networks }: UseCases,
  caller: Caller,
  draft: NetworkDraft & { readonly name: string },
): Promise<Network> {
  const [known] = await networks.list(caller, { name: [draft.name], project_id: [caller.projectId] });
  return known ?? first(await networks.create(caller, [draft]));
}

async function ensureSubnet(
  { subnets }: UseCases,
  caller: Caller,
  draft: SubnetDraft & { readonly cidr: string },
): Promise<Subnet> {
  const [known] = await subnets.list(caller, { network_id: [draft.networkId], cidr: [draft.cidr] });
  return known ?? first(await subnets.create(caller, [draft]));
}

async function ensureRouter(
  { routers }: UseCases,
  caller: Caller,
  draft: RouterDraft & { readonly name: string },
): Promise<Router> {
  const [known] = await routers.list(caller, { name: [draft.name], project_id: [caller.projectId] });
  return known ?? first(await routers.create(caller, [draft]));
}

function first<T>(made: readonly T[]): T {
  const [one] = made;
  if (one === undefined) throw new Error('a create answered with nothing');
  return one;
}
