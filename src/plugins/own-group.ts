/** A security group of one port's own, beside its others: what of its ports may be spoken to from anywhere. */
import type { Undo } from '../base/undo.ts';
import type { NetworkService, PortView } from '../wire/network-service.ts';

export interface Opening {
  readonly protocol: string;
  /** Both ends included; absent = the protocol has no ports. */
  readonly ports?: { readonly first: number; readonly last: number };
}

export interface OwnGroup {
  readonly name: string;
  readonly description: string;
  readonly openings: readonly Opening[];
}

export async function addOwnGroup(
  service: NetworkService,
  { id, fixed_ips, security_groups }: PortView,
  { name, description, openings }: OwnGroup,
  undo: Undo,
): Promise<void> {
  const group = await service.create('security-groups', { name, description });
  undo.add(`remove security group ${group.id}`, () => removeOwnGroup(service, id, group.id));
  const families = new Set(fixed_ips.map(({ ip_address }) => (ip_address.includes(':') ? 'IPv6' : 'IPv4')));
  for (const ethertype of families) {
    for (const { protocol, ports } of openings) {
      await service.create('security-group-rules', {
        security_group_id: group.id,
        direction: 'ingress',
        ethertype,
        protocol: protocol === 'icmp' && ethertype === 'IPv6' ? 'ipv6-icmp' : protocol,
        ...(ports ? { port_range_min: ports.first, port_range_max: ports.last } : {}),
      });
    }
  }
  await service.update('ports', id, { security_groups: [...security_groups, group.id] });
}

/** Idempotent. */
export async function removeOwnGroup(
  service: NetworkService,
  portId: string,
  groupId: string,
): Promise<void> {
  for (const { security_groups } of await service.list('ports', { id: portId })) {
    if (!security_groups.includes(groupId)) continue;
    const others = security_groups.filter((id) => id !== groupId);
    await service.update('ports', portId, { security_groups: others });
  }
  await service.remove('security-groups', groupId);
}
