/**
 * The external address of published ports: a floating IP that is all the container's, or forwarded ports of one that
 * containers share. What is there already is used; what is made is marked and undone when a later step fails.
 */
import type { Undo } from '../../base/undo.ts';
import type { FloatingIpObject, NetworkApi, PortForwardingObject } from '../../client/networks.ts';
import { publishedTag } from '../../model/published.ts';
import { AdvisedFailure } from '../advised-failure.ts';
import { unlessAbsent } from '../find.ts';
import type { PublishAsk } from './ask.ts';
import type { WayOut } from './way-out.ts';

export interface Published {
  /** `172.24.4.9:8080` */
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
}

export interface Publishing {
  readonly networks: NetworkApi;
  readonly undo: Undo;
  readonly way: WayOut;
}

export function isPublished({ tags }: FloatingIpObject): boolean {
  return tags?.includes(publishedTag) ?? false;
}

/** Floating IPs with what they forward. */
export async function withForwardings(
  networks: NetworkApi,
  all: readonly FloatingIpObject[],
): Promise<
  { readonly floatingIp: FloatingIpObject; readonly forwardings: readonly PortForwardingObject[] }[]
> {
  return Promise.all(
    all.map(async (floatingIp) => ({ floatingIp, forwardings: await networks.forwardings(floatingIp) })),
  );
}

export async function openAddress(
  publishing: Publishing,
  asks: readonly PublishAsk[],
  isShared: boolean,
): Promise<Published[]> {
  const { networks, way } = publishing;
  const all = await withForwardings(networks, await networks.list<FloatingIpObject>('floatingips'));
  const own = all.find(({ floatingIp }) => floatingIp.port_id === way.port.id)?.floatingIp;
  const isForwarding = all.some(({ forwardings }) =>
    forwardings.some((one) => one.internal_port_id === way.port.id),
  );
  if (own) return ofOwn(own, asks);
  if (isShared || isForwarding || asks.some((ask) => ask.isForwarded)) return forward(publishing, all, asks);
  return ofOwn(await makeOwn(publishing), asks);
}

function ofOwn({ floating_ip_address: address }: FloatingIpObject, asks: readonly PublishAsk[]): Published[] {
  const moved = asks.find(({ outside, inside }) => outside !== inside);
  if (moved) {
    throw new AdvisedFailure(
      'conflict',
      `the container has the floating IP ${address} to itself, where a port keeps its number (${moved.outside}:${moved.inside})`,
      `publish ${moved.inside} as it is, or free it first: berth unexpose, berth floating-ip release ${address}`,
    );
  }
  return asks.map(({ inside, protocol }) => ({ address: `${address}:${inside}`, port: inside, protocol }));
}

async function makeOwn(publishing: Publishing): Promise<FloatingIpObject> {
  const { networks, way } = publishing;
  const made = await makeFloatingIp(publishing);
  return networks.update<FloatingIpObject>('floatingips', made.id, {
    port_id: way.port.id,
    fixed_ip_address: way.fixedAddress,
  });
}

/** Marked before it is used: whatever happens next, it can be found again. */
async function makeFloatingIp({ networks, undo, way }: Publishing): Promise<FloatingIpObject> {
  const made = await networks.create<FloatingIpObject>('floatingips', {
    floating_network_id: way.externalNetworkId,
    description: 'made to publish ports of containers',
  });
  undo.add(`floating IP ${made.floating_ip_address}`, async () => {
    await unlessAbsent(networks.remove('floatingips', made.id));
  });
  await networks.setTags('floatingips', made.id, [publishedTag]);
  return made;
}

type Known = Awaited<ReturnType<typeof withForwardings>>;

async function forward(
  publishing: Publishing,
  known: Known,
  asks: readonly PublishAsk[],
): Promise<Published[]> {
  const { networks, undo, way } = publishing;
  const shared = known.find((one) => mayTake(one, way, asks));
  const { id, floating_ip_address: address } = shared?.floatingIp ?? (await makeFloatingIp(publishing));
  for (const ask of asks) {
    if (shared?.forwardings.some((one) => isSame(one, way, ask))) continue;
    const made = await networks.createForwarding(id, {
      protocol: ask.protocol,
      external_port: ask.outside,
      internal_port: ask.inside,
      internal_port_id: way.port.id,
      internal_ip_address: way.fixedAddress,
      description: publishedTag,
    });
    undo.add(`port ${ask.outside} of ${address}`, async () => {
      await unlessAbsent(networks.removeForwarding(id, made.id));
    });
  }
  return asks.map(({ outside, inside, protocol }) => ({
    address: `${address}:${outside}`,
    port: inside,
    protocol,
  }));
}

/** One that publishing made, on the right network, and with these ports still free or leading here already. */
function mayTake(
  { floatingIp, forwardings }: Known[number],
  way: WayOut,
  asks: readonly PublishAsk[],
): boolean {
  if (!isPublished(floatingIp) || floatingIp.port_id !== null) return false;
  if (floatingIp.floating_network_id !== way.externalNetworkId) return false;
  return asks.every((ask) => {
    const taken = forwardings.find(
      (one) => one.external_port === ask.outside && one.protocol === ask.protocol,
    );
    return !taken || isSame(taken, way, ask);
  });
}

function isSame(forwarding: PortForwardingObject, { port }: WayOut, ask: PublishAsk): boolean {
  return (
    forwarding.internal_port_id === port.id &&
    forwarding.internal_port === ask.inside &&
    forwarding.external_port === ask.outside &&
    forwarding.protocol === ask.protocol
  );
}
