/**
 * The wanted dataplane of a host, from the store. A fixed number of queries, however many ports there are.
 *
 * What belongs to a network here and what does not is said in src/wire/host-network.ts. Routers run on every host
 * that has one of their networks; for now there is one host, which also holds their gateways.
 */
import { parseBindingProfile } from '../../model/host-binding.ts';
import type { Uuid } from '../../model/ids.ts';
import { protocolNumber } from '../../model/ip-protocols.ts';
import {
  infrastructureOwnerPrefix,
  type Network,
  type Port,
  type QosPolicy,
  type SecurityGroup,
  type SecurityGroupRule,
  type Subnet,
} from '../../model/network.ts';
import type { Db } from '../../store/database.ts';
import { findAddressGroups } from '../../store/network/address-groups.ts';
import { everything, groupBy } from '../../store/network/common.ts';
import { findNetworks } from '../../store/network/networks.ts';
import { membersOf, networksWantedOn } from '../../store/network/placement.ts';
import { findNamedPorts, findPorts, type NamedPort } from '../../store/network/ports.ts';
import { findQosPolicies } from '../../store/network/qos-policies.ts';
import { findSecurityGroups } from '../../store/network/security-groups.ts';
import { findSubnets } from '../../store/network/subnets.ts';
import type {
  WantedGroupMembers,
  WantedName,
  WantedNetwork,
  WantedPort,
  WantedRouter,
  WantedRule,
  WantedSecurityGroup,
  WantedSubnet,
} from '../../wire/host-network.ts';
import type { NetworkContext } from './context.ts';
import { domainOf } from './dns-names.ts';
import { routersOn } from './wanted/routers.ts';

/** All networks wanted on the host, or those of the named ones that are. */
export async function wantedOn(
  { db, config }: Pick<NetworkContext, 'db' | 'config'>,
  host: string,
  ids: readonly Uuid[] | undefined,
): Promise<WantedNetwork[]> {
  const all = await networksWantedOn(db, host);
  const wanted = ids ? all.filter((id) => ids.includes(id)) : all;
  if (wanted.length === 0) return [];
  const networks = await findNetworks(db, everything, { id: wanted });
  const ports = await findPorts(db, everything, { network_id: wanted, binding_host: [host] });
  const parts: Parts = {
    subnets: groupBy(
      await findSubnets(db, everything, { network_id: wanted }),
      (subnet) => subnet.networkId,
      toWantedSubnet,
    ),
    ports: groupBy(
      ports,
      (port) => port.networkId,
      (port) => port,
    ),
    groups: await groupsOf(db, ports),
    policies: await policiesOf(db, ports),
    members: new Map(),
    routers: await routersOn(db, host, wanted),
    names: groupBy(await findNamedPorts(db, wanted), (port) => port.networkId, toWantedName),
    dnsDomain: config.network.dnsDomain,
  };
  const members = await membersOfRemotes(db, [...parts.groups.values()]);
  return networks.map((network) => toWantedNetwork(network, { ...parts, members }));
}

interface Parts {
  readonly subnets: ReadonlyMap<Uuid, WantedSubnet[]>;
  readonly ports: ReadonlyMap<Uuid, Port[]>;
  readonly groups: ReadonlyMap<Uuid, SecurityGroup>;
  readonly policies: ReadonlyMap<Uuid, QosPolicy>;
  readonly members: ReadonlyMap<Uuid, WantedGroupMembers>;
  readonly routers: readonly WantedRouter[];
  readonly names: ReadonlyMap<Uuid, WantedName[]>;
  /** Of networks without one of their own. */
  readonly dnsDomain: string;
}

function toWantedNetwork(network: Network, parts: Parts): WantedNetwork {
  const ports = parts.ports.get(network.id) ?? [];
  const groupIds = new Set(ports.flatMap((port) => port.securityGroupIds));
  const groups = [...groupIds].flatMap((id) => parts.groups.get(id) ?? []);
  const remoteIds = new Set(remotesOf(groups));
  return {
    id: network.id,
    projectId: network.projectId,
    name: network.name,
    adminStateUp: network.adminStateUp,
    external: network.external,
    mtu: network.mtu,
    segmentationId: network.segmentationId,
    subnets: parts.subnets.get(network.id) ?? [],
    ports: ports.map((port) => toWantedPort(port, parts.policies)),
    securityGroups: groups.map(toWantedGroup),
    remoteGroups: [...remoteIds].map((id) => parts.members.get(id) ?? { groupId: id, v4: [], v6: [] }),
    routers: parts.routers.filter((router) =>
      router.interfaces.some(({ networkId }) => networkId === network.id),
    ),
    dnsDomain: domainOf(network.dnsDomain, parts.dnsDomain),
    names: parts.names.get(network.id) ?? [],
  };
}

function toWantedName({ dnsName, projectId, addresses }: NamedPort): WantedName {
  return { name: dnsName, projectId, addresses: [...addresses] };
}

function toWantedSubnet(subnet: Subnet): WantedSubnet {
  return {
    id: subnet.id,
    ipVersion: subnet.ipVersion,
    cidr: subnet.cidr,
    gatewayIp: subnet.gatewayIp,
    dnsNameservers: [...subnet.dnsNameservers],
    hostRoutes: [...subnet.hostRoutes],
  };
}

function versionOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

function toWantedPort(port: Port, policies: Parts['policies']): WantedPort {
  return {
    id: port.id,
    macAddress: port.macAddress,
    adminStateUp: port.adminStateUp,
    fixedIps: port.fixedIps.map(({ subnetId, ipAddress }) => ({
      address: ipAddress,
      subnetId,
      version: versionOf(ipAddress),
    })),
    portSecurityEnabled: port.portSecurityEnabled,
    securityGroupIds: [...port.securityGroupIds],
    allowedAddressPairs: [...port.allowedAddressPairs],
    deviceOwner: port.deviceOwner,
    deviceId: port.deviceId,
    bandwidth: bandwidthOf(port, policies),
  };
}

/** A port's own policy, else its network's; ports of the network itself have only their own. */
function policyOf(port: Port): Uuid | null {
  if (port.qosPolicyId !== null) return port.qosPolicyId;
  return port.deviceOwner.startsWith(infrastructureOwnerPrefix) ? null : port.qosNetworkPolicyId;
}

/** By its policy and by the word of its host; the lower rate counts. */
function bandwidthOf(port: Port, policies: Parts['policies']): WantedPort['bandwidth'] {
  const ofPolicy = toBandwidth(policyOf(port), policies);
  const bound = parseBindingProfile(port.bindingProfile);
  const of = (direction: 'egress' | 'ingress') => {
    const [policy, limit] = [ofPolicy[direction], bound[direction]];
    if (!limit || (policy && policy.kilobitsPerSecond <= limit.maxKbps)) return policy;
    return { kilobitsPerSecond: limit.maxKbps, burstKilobits: limit.maxBurstKbps };
  };
  return { egress: of('egress'), ingress: of('ingress') };
}

function toBandwidth(id: Uuid | null, policies: Parts['policies']): WantedPort['bandwidth'] {
  const limits = (id !== null && policies.get(id)?.bandwidthLimits) || [];
  const of = (direction: 'egress' | 'ingress') => {
    const limit = limits.find((candidate) => candidate.direction === direction && candidate.maxKbps > 0);
    return limit ? { kilobitsPerSecond: limit.maxKbps, burstKilobits: limit.maxBurstKbps } : null;
  };
  return { egress: of('egress'), ingress: of('ingress') };
}

async function policiesOf(db: Db, ports: readonly Port[]): Promise<Map<Uuid, QosPolicy>> {
  const ids = [...new Set(ports.flatMap((port) => policyOf(port) ?? []))];
  if (ids.length === 0) return new Map();
  return new Map((await findQosPolicies(db, everything, { id: ids })).map((policy) => [policy.id, policy]));
}

function toWantedGroup(group: SecurityGroup): WantedSecurityGroup {
  return { id: group.id, stateful: group.stateful, rules: group.rules.map(toWantedRule) };
}

export function toWantedRule(rule: SecurityGroupRule): WantedRule {
  const { direction, ethertype, protocol, portRangeMin, portRangeMax } = rule;
  return {
    direction,
    ipVersion: ethertype === 'IPv4' ? 4 : 6,
    protocol: protocol === null ? null : (protocolNumber(protocol, ethertype) ?? null),
    portMin: portRangeMin,
    portMax: portRangeMax,
    remoteGroupId: rule.remoteGroupId ?? rule.remoteAddressGroupId,
    remotePrefix: rule.remoteIpPrefix,
  };
}

async function groupsOf(db: Db, ports: readonly Port[]): Promise<Map<Uuid, SecurityGroup>> {
  const ids = [...new Set(ports.flatMap((port) => port.securityGroupIds))];
  if (ids.length === 0) return new Map();
  const groups = await findSecurityGroups(db, everything, { id: ids });
  return new Map(groups.map((group) => [group.id, group]));
}

function remotesOf(groups: readonly SecurityGroup[]): Uuid[] {
  return groups.flatMap((group) =>
    group.rules.flatMap((rule) => rule.remoteGroupId ?? rule.remoteAddressGroupId ?? []),
  );
}

async function membersOfRemotes(
  db: Db,
  groups: readonly SecurityGroup[],
): Promise<Map<Uuid, WantedGroupMembers>> {
  const ids = [...new Set(remotesOf(groups))];
  const members = groupBy(
    await membersOf(db, ids),
    (member) => member.groupId,
    (member) => member.address,
  );
  const addressGroups = ids.length === 0 ? [] : await findAddressGroups(db, everything, { id: ids });
  const listed = new Map(addressGroups.map((group) => [group.id, group.addresses]));
  return new Map(
    ids.map((id) => {
      const addresses = listed.get(id) ?? members.get(id) ?? [];
      const of = (version: 4 | 6) => addresses.filter((address) => versionOf(address) === version);
      return [id, { groupId: id, v4: of(4), v6: of(6) }];
    }),
  );
}
