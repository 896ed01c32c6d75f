/**
 * Publishing ports of a container and taking that back. All of it is ordinary objects of the network service: a floating
 * IP or forwarded ports of one, and a security group that opens the ports of this container only.
 *
 * A failure half-way takes back what was made. What publishing did not make is used and never removed.
 */
import type { Log } from '../../base/log.ts';
import { Undo } from '../../base/undo.ts';
import type { Cloud } from '../../client/cloud.ts';
import type { ContainerView } from '../../client/container-types.ts';
import type { FloatingIpObject, PortObject } from '../../client/networks.ts';
import { isFailure } from '../../model/failure.ts';
import { publishedTag } from '../../model/published.ts';
import { AdvisedFailure } from '../advised-failure.ts';
import { portIdsOf, unlessAbsent } from '../find.ts';
import type { Progress } from '../output/progress.ts';
import { isPublished, openAddress, type Published, withForwardings } from './address.ts';
import type { PublishAsk } from './ask.ts';
import { closeGroup, findPublishedGroup, openGroup, rulesOf } from './group.ts';
import { wayOutOf } from './way-out.ts';

export interface Where {
  readonly cloud: Cloud;
  readonly container: ContainerView;
  readonly progress: Progress;
}

export async function publish(
  { cloud, container, progress }: Where,
  asks: readonly PublishAsk[],
  isShared: boolean,
): Promise<Published[]> {
  const { networks } = cloud;
  const way = await wayOutOf(cloud, container);
  const undo = new Undo();
  try {
    // The address first: until it is there, the opened port is of no use to anybody.
    const published = await openAddress({ networks, undo, way }, asks, isShared);
    await openGroup({ networks, undo, container, port: way.port }, asks);
    undo.commit();
    return published;
  } catch (error) {
    await undo.unwind(tellingOf(progress));
    throw advised(error, container);
  }
}

/** What could not be taken back is told, since it stays. */
function tellingOf(progress: Progress): Log {
  const warn = ({ step, error }: { readonly step: string; readonly error: unknown }) =>
    progress.note(`could not take back ${step}: ${error instanceof Error ? error.message : String(error)}`);
  return { warn } as unknown as Log;
}

function advised(error: unknown, { name }: ContainerView): unknown {
  if (!isFailure(error) || error instanceof AdvisedFailure) return error;
  if (error.code !== 'network-over-quota') return error;
  const advice = `share an address: berth expose --shared ${name} PORT, or see: berth quota show`;
  return new AdvisedFailure(error.code, error.message, advice);
}

/** The ports of the container that are published, with the address of each. */
export async function publishedOf({ cloud, container }: Omit<Where, 'progress'>): Promise<Published[]> {
  const { networks } = cloud;
  const ports = new Set(portIdsOf(container));
  const all = await withForwardings(networks, await networks.list<FloatingIpObject>('floatingips'));
  const opened = rulesOf(await findPublishedGroup(networks, container));
  const own = all.find(({ floatingIp }) => floatingIp.port_id !== null && ports.has(floatingIp.port_id));
  const distinct = new Map(opened.map((rule) => [`${rule.port_range_min}/${rule.protocol}`, rule]));
  return [
    ...(own ? [...distinct.values()] : []).map(({ port_range_min: port, protocol }) => ({
      address: `${own?.floatingIp.floating_ip_address}:${port}`,
      port: port ?? 0,
      protocol: protocol ?? '',
    })),
    ...all.flatMap(({ floatingIp, forwardings }) =>
      forwardings
        .filter((one) => ports.has(one.internal_port_id))
        .map((one) => ({
          address: `${floatingIp.floating_ip_address}:${one.external_port}`,
          port: one.internal_port ?? 0,
          protocol: one.protocol,
        })),
    ),
  ];
}

/** Without `asks` everything. What is not published is none of its business. */
export async function unpublish(
  { cloud, container }: Omit<Where, 'progress'>,
  asks?: readonly PublishAsk[],
): Promise<void> {
  const { networks } = cloud;
  const isAsked = (port: number | null, protocol: string | null) =>
    asks === undefined || asks.some((ask) => ask.inside === port && ask.protocol === protocol);
  const ids = new Set(portIdsOf(container));
  const ports = await portsOf(cloud, ids);
  await dropForwarded(cloud, ids, isAsked);
  await closeGroup(networks, container, {
    ports,
    isClosed: (rule) => isAsked(rule.port_range_min, rule.protocol),
  });
  if (!(await findPublishedGroup(networks, container))) await dropOwn(cloud, ids);
}

async function portsOf({ networks }: Cloud, ids: ReadonlySet<string>): Promise<PortObject[]> {
  const found = await Promise.all([...ids].map((id) => unlessAbsent(networks.get<PortObject>('ports', id))));
  return found.filter((port) => port !== undefined);
}

/** Forwarded ports that lead here, and the address that forwards nothing any more. */
async function dropForwarded(
  { networks }: Cloud,
  ports: ReadonlySet<string>,
  isAsked: (port: number | null, protocol: string) => boolean,
): Promise<void> {
  const tagged = await networks.list<FloatingIpObject>('floatingips', { tags: publishedTag });
  for (const { floatingIp, forwardings } of await withForwardings(networks, tagged.filter(isPublished))) {
    const dropped = forwardings.filter(
      (one) => ports.has(one.internal_port_id) && isAsked(one.internal_port, one.protocol),
    );
    for (const { id } of dropped) await unlessAbsent(networks.removeForwarding(floatingIp.id, id));
    // One that forwards nothing yet is somebody else's who is publishing just now.
    const isLast = dropped.length > 0 && dropped.length === forwardings.length;
    if (isLast && floatingIp.port_id === null)
      await unlessAbsent(networks.remove('floatingips', floatingIp.id));
  }
}

async function dropOwn({ networks }: Cloud, ports: ReadonlySet<string>): Promise<void> {
  const tagged = await networks.list<FloatingIpObject>('floatingips', { tags: publishedTag });
  for (const floatingIp of tagged.filter(isPublished)) {
    if (floatingIp.port_id === null || !ports.has(floatingIp.port_id)) continue;
    await unlessAbsent(networks.remove('floatingips', floatingIp.id));
  }
}

/**
 * What publishing made for the container, to be removed when the container is gone: Berth's server does so itself, other
 * clouds do not. Call it before the deletion, and what it returns after it.
 */
export async function leavingsOf(
  { networks }: Cloud,
  container: ContainerView,
): Promise<() => Promise<void>> {
  const ports = new Set(portIdsOf(container));
  if (ports.size === 0) return async () => undefined;
  const [tagged, group] = await Promise.all([
    networks.list<FloatingIpObject>('floatingips', { tags: publishedTag }).catch(withoutFloatingIps),
    findPublishedGroup(networks, container),
  ]);
  const leading = (await withForwardings(networks, tagged.filter(isPublished))).filter(
    ({ floatingIp, forwardings }) =>
      ports.has(floatingIp.port_id ?? '') || forwardings.some((one) => ports.has(one.internal_port_id)),
  );
  return async () => {
    for (const { floatingIp } of leading) {
      const now = await unlessAbsent(networks.get<FloatingIpObject>('floatingips', floatingIp.id));
      if (!now || now.port_id !== null || now.port_forwardings?.length) continue;
      await unlessAbsent(networks.remove('floatingips', now.id));
    }
    if (group) await unlessAbsent(networks.remove('security-groups', group.id));
  };
}

/** A network service without routers has no such resource. */
function withoutFloatingIps(error: unknown): FloatingIpObject[] {
  if (isFailure(error) && [403, 404, 501].includes(error.status)) return [];
  throw error;
}
