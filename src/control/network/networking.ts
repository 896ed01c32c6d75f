/**
 * `Networking` on the embedded network service: ports and exposed-port groups of containers.
 *
 * A container's port is found by its device id (the container's uuid) and its place in the container's list; a
 * unique index on the two makes `ensurePort` safe to run twice at once. Ports that were the user's own are marked
 * as adopted and only freed, never deleted. Security groups are looked up in the container's project alone.
 */
import type { Caller } from '../../model/caller.ts';
import type { ExposedPort, Nic } from '../../model/container.ts';
import { Failure } from '../../model/failure.ts';
import { newUuid, type Uuid } from '../../model/ids.ts';
import { containerPortOwner, type Port, type SecurityGroup } from '../../model/network.ts';
import { publishedGroupName, publishedTag } from '../../model/published.ts';
import type { Trx } from '../../store/database.ts';
import { everything, type Scope } from '../../store/network/common.ts';
import { floatingIpsOf } from '../../store/network/floating-ips.ts';
import { attachedDevices, findPorts } from '../../store/network/ports.ts';
import {
  deleteSecurityGroup,
  findSecurityGroups,
  insertSecurityGroup,
  isGroupInUse,
} from '../../store/network/security-groups.ts';
import type { Networking, PortRequest } from '../networking.ts';
import { newborn } from './collection.ts';
import { type Change, change, type NetworkContext } from './context.ts';
import { egressRules } from './default-group.ts';
import { getNetwork } from './networks.ts';
import { changePort, dropPorts, getPort, makePort } from './port-lifecycle.ts';
import { claimQuota } from './quotas.ts';
import { locate, resolveNets, resolveSecurityGroups } from './resolve.ts';
import { releasePublished } from './routing/releases.ts';

export function createNetworking(context: NetworkContext): Networking {
  const { db } = context;
  return {
    resolveSecurityGroups: (caller: Caller, names) => resolveSecurityGroups(context, caller, names),

    resolveNets: (caller, nets, options) => resolveNets(context, caller, nets, options),

    locate: (caller, what) => locate(context, caller, what),

    ensurePort: (request) =>
      change(context, async (current) => {
        const [known] = await findPorts(current.trx, everything, {
          device_id: [request.containerUuid],
          attachment_index: [request.net.index],
        });
        const port = known
          ? await bind(context, current, known, request)
          : request.net.portId
            ? await adopt(context, current, request.net.portId, request)
            : await make(context, current, request);
        return toNic(port, request.net);
      }),

    releasePorts: (containerUuid, { keep = [], dnsName } = {}) =>
      change(context, async (current) => {
        const all = await attachedPorts(current.trx, containerUuid);
        const ports = all.filter(({ attachment }) => !keep.includes(attachment?.index ?? -1));
        await dropPorts(
          current,
          ports.filter((port) => !port.attachment?.adopted),
        );
        const adopted = ports.filter((port) => port.attachment?.adopted);
        await releasePublished(
          current,
          adopted.map(({ id }) => id),
        );
        const opened = adopted[0] && (await publishedGroup(current.trx, adopted[0].projectId, containerUuid));
        for (const port of adopted) {
          const securityGroupIds = port.securityGroupIds.filter((id) => id !== opened?.id);
          await changePort(context, current, {
            port,
            changes: {
              deviceId: '',
              deviceOwner: '',
              bindingHost: '',
              ...(opened ? { securityGroupIds } : {}),
              ...(port.dnsName === dnsName ? { dnsName: '' } : {}),
            },
            scope: everything,
            attachment: null,
          });
        }
      }),

    changeSecurityGroup: (containerUuid, what) =>
      change(context, async (current) => {
        const ports = await attachedPorts(current.trx, containerUuid);
        const filtered = ports.filter(({ portSecurityEnabled }) => portSecurityEnabled);
        if ('add' in what && ports.length > 0 && filtered.length === 0) {
          throw new Failure(
            'security-group-cannot-be-applied',
            `Security group ${what.add} cannot be applied: no port of the container has port security.`,
          );
        }
        for (const port of filtered) await changeGroups(context, current, port, what);
      }),

    outsideAddresses: (portIds) => floatingIpsOf(db, portIds),

    ensureExposedGroup: (projectId, containerUuid, ports) =>
      change(context, async ({ trx, now }) => {
        const known = await exposedGroup(trx, projectId, containerUuid);
        if (known) return known.id;
        await claimQuota(context, trx, projectId, { security_group: 1 });
        const group = exposingGroup(projectId, containerUuid, now);
        await insertSecurityGroup(trx, {
          ...group,
          rules: [...egressRules(group), ...openings(group, ports)],
        });
        return group.id;
      }),

    releaseExposedGroup: (projectId, containerUuid) =>
      change(context, async (current) => {
        for (const find of [exposedGroup, publishedGroup]) {
          const group = await find(current.trx, projectId, containerUuid);
          if (group) await dropGroup(current, group);
        }
      }),

    containersWithPorts: () => attachedDevices(db),
  };
}

async function attachedPorts(trx: Trx, containerUuid: Uuid): Promise<Port[]> {
  const ports = await findPorts(trx, everything, { device_id: [containerUuid] });
  return ports.filter((port) => port.attachment !== null);
}

async function make(context: NetworkContext, current: Change, request: PortRequest): Promise<Port> {
  const { projectId, containerUuid, containerName, dnsName, host, net, securityGroupIds } = request;
  const network = await getNetwork(current.trx, net.networkId);
  await claimQuota(context, current.trx, projectId, { port: 1 });
  return makePort(context, current, {
    network,
    projectId,
    draft: {
      name: containerName,
      dnsName,
      deviceId: containerUuid,
      deviceOwner: containerPortOwner,
      bindingHost: host,
      ...(net.fixedIps === undefined ? {} : { fixedIps: net.fixedIps.map((ipAddress) => ({ ipAddress })) }),
      ...(securityGroupIds === null || !network.portSecurityEnabled ? {} : { securityGroupIds }),
    },
    scope: projectScope(projectId),
    attachment: { index: net.index, adopted: false },
  });
}

/** The user's own port: taken only while nobody uses it. */
async function adopt(
  context: NetworkContext,
  current: Change,
  portId: Uuid,
  request: PortRequest,
): Promise<Port> {
  const port = await getPort(current.trx, portId, projectScope(request.projectId));
  if (port.deviceId !== '') throw new Failure('port-in-use', `Port ${portId} is still in use.`);
  return changePort(context, current, {
    port,
    changes: {
      deviceId: request.containerUuid,
      deviceOwner: containerPortOwner,
      bindingHost: request.host,
      ...(port.dnsName === '' ? { dnsName: request.dnsName } : {}),
    },
    scope: everything,
    attachment: { index: request.net.index, adopted: true },
  });
}

/** The container's port from an earlier run: only its host may have changed. */
async function bind(
  context: NetworkContext,
  current: Change,
  port: Port,
  request: PortRequest,
): Promise<Port> {
  if (port.bindingHost === request.host) return port;
  return changePort(context, current, {
    port,
    changes: { bindingHost: request.host },
    scope: everything,
  });
}

/** Groups come and go one by one: a port that was the user's keeps those it had. */
async function changeGroups(
  context: NetworkContext,
  current: Change,
  port: Port,
  what: { readonly add: Uuid } | { readonly remove: Uuid },
): Promise<void> {
  const has = port.securityGroupIds;
  const isSo = 'add' in what ? has.includes(what.add) : !has.includes(what.remove);
  if (isSo) return;
  const securityGroupIds = 'add' in what ? [...has, what.add] : has.filter((id) => id !== what.remove);
  await changePort(context, current, {
    port,
    changes: { securityGroupIds },
    scope: projectScope(port.projectId),
  });
}

function toNic(port: Port, { index, defaultGateway }: PortRequest['net']): Nic {
  return {
    index,
    networkId: port.networkId,
    portId: port.id,
    macAddress: port.macAddress,
    fixedIps: port.fixedIps.map(({ subnetId, ipAddress }) => ({
      address: ipAddress,
      subnetId,
      version: ipAddress.includes(':') ? 6 : 4,
    })),
    preserveOnDelete: port.attachment?.adopted ?? false,
    ...(defaultGateway ? { defaultGateway } : {}),
  };
}

function projectScope(projectId: string): Scope {
  return { kind: 'project', projectId };
}

function exposedGroupName(containerUuid: Uuid): string {
  return `zun-${containerUuid}`;
}

async function exposedGroup(
  trx: Trx,
  projectId: string,
  containerUuid: Uuid,
): Promise<SecurityGroup | undefined> {
  const groups = await findSecurityGroups(trx, projectScope(projectId), {
    name: [exposedGroupName(containerUuid)],
  });
  return groups[0];
}

/** The group that publishing made for the container; one of that name without the mark is somebody's own. */
async function publishedGroup(
  trx: Trx,
  projectId: string,
  containerUuid: Uuid,
): Promise<SecurityGroup | undefined> {
  const groups = await findSecurityGroups(trx, projectScope(projectId), {
    name: [publishedGroupName(containerUuid)],
  });
  return groups.find(({ tags }) => tags.includes(publishedTag));
}

async function dropGroup({ trx, concerned }: Change, group: SecurityGroup): Promise<void> {
  if (await isGroupInUse(trx, group.id)) {
    throw new Failure('security-group-in-use', `Security Group ${group.id} in use.`);
  }
  await concerned.members([group.id]);
  await deleteSecurityGroup(trx, group.id);
}

function exposingGroup(projectId: string, containerUuid: Uuid, now: string): SecurityGroup {
  return {
    ...newborn(projectId, now),
    name: exposedGroupName(containerUuid),
    description: `Exposed ports of container ${containerUuid}`,
    stateful: true,
    isDefault: false,
    sharedWith: [],
    rules: [],
  };
}

const anywhere = { IPv4: '0.0.0.0/0', IPv6: '::/0' } as const;

/** Ingress from anywhere to each port, both IP versions. */
function openings(group: SecurityGroup, ports: readonly ExposedPort[]): SecurityGroup['rules'] {
  const distinct = new Map(ports.map((port) => [`${port.port}/${port.protocol}`, port]));
  return [...distinct.values()].flatMap(({ port, protocol }) =>
    (['IPv4', 'IPv6'] as const).map((ethertype) => ({
      id: newUuid(),
      projectId: group.projectId,
      securityGroupId: group.id,
      direction: 'ingress' as const,
      ethertype,
      protocol,
      portRangeMin: port,
      portRangeMax: port,
      remoteGroupId: null,
      remoteAddressGroupId: null,
      remoteIpPrefix: anywhere[ethertype],
      givenIpPrefix: anywhere[ethertype],
      description: '',
      revision: 1,
      createdAt: group.createdAt,
      updatedAt: group.createdAt,
    })),
  );
}
