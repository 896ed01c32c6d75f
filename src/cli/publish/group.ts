/** The security group that opens a container's published ports, and nothing else of anybody. */
import type { Undo } from '../../base/undo.ts';
import type { ContainerView } from '../../client/container-types.ts';
import type { NetworkApi, NetworkObject, PortObject, RuleObject } from '../../client/networks.ts';
import { isFailure } from '../../model/failure.ts';
import { publishedGroupName, publishedTag } from '../../model/published.ts';
import { unlessAbsent } from '../find.ts';
import type { PublishAsk } from './ask.ts';

export async function findPublishedGroup(
  networks: NetworkApi,
  container: ContainerView,
): Promise<NetworkObject | undefined> {
  const [group] = await networks.list('security-groups', { name: publishedGroupName(container.uuid) });
  return group;
}

export function rulesOf(group: NetworkObject | undefined): RuleObject[] {
  const rules = (group?.security_group_rules as readonly RuleObject[] | undefined) ?? [];
  return rules.filter(({ direction }) => direction === 'ingress');
}

interface Opening {
  readonly networks: NetworkApi;
  readonly undo: Undo;
  readonly container: ContainerView;
  readonly port: PortObject;
}

/** Opens the ports; a port without port security is open already. */
export async function openGroup(opening: Opening, asks: readonly PublishAsk[]): Promise<void> {
  const { networks, undo, port } = opening;
  if (port.port_security_enabled === false) return;
  const group = (await findPublishedGroup(networks, opening.container)) ?? (await makeGroup(opening));
  for (const ask of asks) await openPort(networks, undo, { group: group.id, ask });
  const before = (port.security_groups as readonly string[] | undefined) ?? [];
  if (before.includes(group.id)) return;
  undo.add('the security groups of the port', async () => {
    await unlessAbsent(networks.update('ports', port.id, { security_groups: before }));
  });
  await networks.update('ports', port.id, { security_groups: [...before, group.id] });
}

async function makeGroup({ networks, undo, container }: Opening): Promise<NetworkObject> {
  const group = await networks.create('security-groups', {
    name: publishedGroupName(container.uuid),
    description: `published ports of container ${container.name}`,
  });
  undo.add(`security group ${group.id}`, async () => {
    await unlessAbsent(networks.remove('security-groups', group.id));
  });
  await networks.setTags('security-groups', group.id, [publishedTag]);
  return group;
}

async function openPort(
  networks: NetworkApi,
  undo: Undo,
  { group, ask }: { readonly group: string; readonly ask: PublishAsk },
): Promise<void> {
  for (const ethertype of ['IPv4', 'IPv6']) {
    try {
      const rule = await networks.create('security-group-rules', {
        security_group_id: group,
        direction: 'ingress',
        ethertype,
        protocol: ask.protocol,
        port_range_min: ask.inside,
        port_range_max: ask.inside,
      });
      undo.add(`rule ${rule.id}`, async () => {
        await unlessAbsent(networks.remove('security-group-rules', rule.id));
      });
    } catch (error) {
      // Published before: nothing of ours to undo.
      if (!isFailure(error, 'security-group-rule-exists')) throw error;
    }
  }
}

/** Closes the ports; with the last one the group goes, first from the ports that have it. */
export async function closeGroup(
  networks: NetworkApi,
  container: ContainerView,
  {
    ports,
    isClosed,
  }: { readonly ports: readonly PortObject[]; readonly isClosed: (rule: RuleObject) => boolean },
): Promise<void> {
  const group = await findPublishedGroup(networks, container);
  if (!group) return;
  const [closed, open] = [rulesOf(group).filter(isClosed), rulesOf(group).filter((rule) => !isClosed(rule))];
  if (open.length > 0) {
    for (const { id } of closed) await unlessAbsent(networks.remove('security-group-rules', id));
    return;
  }
  for (const port of ports) {
    const before = (port.security_groups as readonly string[] | undefined) ?? [];
    if (!before.includes(group.id)) continue;
    const after = before.filter((id) => id !== group.id);
    await unlessAbsent(networks.update('ports', port.id, { security_groups: after }));
  }
  await unlessAbsent(networks.remove('security-groups', group.id));
}
