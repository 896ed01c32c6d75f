/**
 * The network service's objects, in Neutron's words (docs/glossary.md). Addresses are canonical text
 * (lower-case, shortest IPv6), CIDRs have no host bits, times are ISO 8601 in UTC with `Z`.
 */
import type { Uuid } from './ids.ts';

export interface Common {
  readonly id: Uuid;
  readonly projectId: string;
  readonly name: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Objects that a policy can share with other projects. */
export interface Shareable {
  /** Projects that may use the object besides its own; `*` = all. */
  readonly sharedWith: readonly string[];
}

export const everyProject = '*';

export function isSharedWith({ sharedWith }: Shareable, projectId: string): boolean {
  return sharedWith.some((target) => target === everyProject || target === projectId);
}

export const sharedTypes = [
  'network',
  'security_group',
  'qos_policy',
  'address_scope',
  'subnetpool',
  'address_group',
] as const;
export type SharedType = (typeof sharedTypes)[number];

/** Lets a project see and use an object, or (networks) give its routers a way out through it. */
export interface RbacPolicy {
  readonly id: Uuid;
  /** Of the object's owner, or of the administrator who made it. */
  readonly projectId: string;
  readonly objectType: SharedType;
  readonly objectId: Uuid;
  readonly action: RbacAction;
  /** A project, or `*` for all. */
  readonly targetProject: string;
  readonly updatedAt: string;
}
export type RbacAction = 'access_as_shared' | 'access_as_external';

export interface Network extends Common, Shareable {
  readonly adminStateUp: boolean;
  readonly external: boolean;
  readonly portSecurityEnabled: boolean;
  readonly mtu: number;
  /** `vxlan`: a segment between hosts. `flat`: what lies outside, under the name of `physicalNetwork`. */
  readonly networkType: 'vxlan' | 'flat';
  readonly physicalNetwork: string | null;
  /** VXLAN network identifier; unique. */
  readonly segmentationId: number;
  /** Of the names of its ports, with its trailing dot; empty = the service's own. */
  readonly dnsDomain: string;
  /** The external network that clients take when they name none. */
  readonly isDefault: boolean;
  readonly zoneHints: readonly string[];
  /** Of the ports on it that have none of their own. */
  readonly qosPolicyId: Uuid | null;
  /** Oldest first. */
  readonly subnetIds: readonly Uuid[];
  /** Of the pools that its subnets are from. */
  readonly addressScopes: Readonly<Partial<Record<4 | 6, Uuid>>>;
}

/** Prefixes of pools in one scope never overlap: routers pass traffic within it untranslated. */
export interface AddressScope extends Common, Shareable {
  readonly ipVersion: 4 | 6;
}

export interface SubnetPool extends Common, Shareable {
  readonly ipVersion: 4 | 6;
  /** CIDRs in order, as few as possible. */
  readonly prefixes: readonly string[];
  readonly minPrefixLength: number;
  readonly maxPrefixLength: number;
  readonly defaultPrefixLength: number;
  readonly isDefault: boolean;
  /** How much of the pool one project may take: in addresses (IPv4) or /64s (IPv6); null = all. */
  readonly defaultQuota: number | null;
  readonly addressScopeId: Uuid | null;
}

export interface AddressRange {
  readonly start: string;
  readonly end: string;
}

export interface HostRoute {
  readonly destination: string;
  readonly nexthop: string;
}

export interface Subnet extends Common {
  readonly networkId: Uuid;
  readonly subnetPoolId: Uuid | null;
  readonly ipVersion: 4 | 6;
  readonly cidr: string;
  readonly gatewayIp: string | null;
  readonly enableDhcp: boolean;
  readonly allocationPools: readonly AddressRange[];
  readonly dnsNameservers: readonly string[];
  readonly hostRoutes: readonly HostRoute[];
  readonly ipv6AddressMode: string | null;
  readonly ipv6RaMode: string | null;
  /** Prefixes of the `deviceOwner`s whose ports get addresses here; empty = all. */
  readonly serviceTypes: readonly string[];
  readonly dnsPublishFixedIp: boolean;
}

export interface AddressPair {
  readonly macAddress: string;
  /** An address or a CIDR. */
  readonly ipAddress: string;
}

/** What a DHCP server would tell the port besides its address: kept and shown. */
export interface DhcpOption {
  readonly name: string;
  readonly value: string;
  readonly ipVersion: 4 | 6;
}

export interface PortAddress {
  readonly subnetId: Uuid;
  readonly ipAddress: string;
}

/** `N/A`: the port of a floating IP, which is an address and nothing that could be up. */
export type PortStatus = 'ACTIVE' | 'DOWN' | 'BUILD' | 'ERROR' | 'N/A';

export interface Port extends Common {
  readonly networkId: Uuid;
  readonly macAddress: string;
  readonly fixedIps: readonly PortAddress[];
  readonly adminStateUp: boolean;
  readonly status: PortStatus;
  readonly portSecurityEnabled: boolean;
  readonly securityGroupIds: readonly Uuid[];
  readonly allowedAddressPairs: readonly AddressPair[];
  /** What uses the port: a container's uuid, a router's id, a Docker endpoint's id; empty = nobody. */
  readonly deviceId: string;
  /** Who uses it: `compute:berth`, `compute:kuryr`, `network:router_interface`, `network:router_gateway` … */
  readonly deviceOwner: string;
  /** The host the port is bound to; empty = unbound. */
  readonly bindingHost: string;
  /** What the one who binds the port says about it, as it was given. */
  readonly bindingProfile: Readonly<Record<string, unknown>>;
  /** The name that its network resolves to the port's addresses; empty = none. */
  readonly dnsName: string;
  /** Kept and shown. The names of a network are in the network's domain. */
  readonly dnsDomain: string;
  /** The domain of its network (`Network.dnsDomain`). */
  readonly networkDnsDomain: string;
  readonly dhcpOptions: readonly DhcpOption[];
  readonly propagateUplinkStatus: boolean;
  readonly qosPolicyId: Uuid | null;
  /** Of its network (`Network.qosPolicyId`). */
  readonly qosNetworkPolicyId: Uuid | null;
  /** Set while the port is one of a container's: which of its networks, and whether the port was the user's own. */
  readonly attachment: PortAttachment | null;
}

export interface PortAttachment {
  readonly index: number;
  readonly adopted: boolean;
}

/** deviceOwner of the ports that Berth makes for its containers. */
export const containerPortOwner = 'compute:berth';
/** deviceOwner of the ports that plain `docker network create --driver kuryr` uses. */
export const kuryrPortOwner = 'compute:kuryr';
/** deviceOwner of the ports that CNI runtimes use. */
export const cniPortOwner = 'compute:cni';
export const routerInterfaceOwner = 'network:router_interface';
export const routerGatewayOwner = 'network:router_gateway';
export const floatingIpOwner = 'network:floatingip';
/** Ports of the network itself: trusted by the dataplane, never deleted by the port API, set by nobody but us. */
export const infrastructureOwnerPrefix = 'network:';

/** Addresses and CIDRs under one name, for rules. */
export interface AddressGroup extends Common, Shareable {
  /** CIDRs, in the order in which they were given. */
  readonly addresses: readonly string[];
}

/** How much a port may send (`egress`) or be sent (`ingress`). */
export interface BandwidthLimit {
  readonly id: Uuid;
  readonly direction: 'egress' | 'ingress';
  /** 0 = as much as it likes. */
  readonly maxKbps: number;
  /** What may pass at once above the rate; 0 = the host's choice. */
  readonly maxBurstKbps: number;
}

export interface QosPolicy extends Common, Shareable {
  /** New networks of the project have it when they name none. */
  readonly isDefault: boolean;
  /** At most one per direction. */
  readonly bandwidthLimits: readonly BandwidthLimit[];
}

export interface SecurityGroup extends Common, Shareable {
  readonly stateful: boolean;
  /** The project's `default` group: made on first use, cannot be deleted. */
  readonly isDefault: boolean;
  readonly rules: readonly SecurityGroupRule[];
}

export interface SecurityGroupRule {
  readonly id: Uuid;
  readonly projectId: string;
  readonly securityGroupId: Uuid;
  readonly direction: 'ingress' | 'egress';
  readonly ethertype: 'IPv4' | 'IPv6';
  /** A name that Neutron knows (`tcp`, `icmpv6` …) or a number as text; null = any. */
  readonly protocol: string | null;
  readonly portRangeMin: number | null;
  readonly portRangeMax: number | null;
  /** At most one of the three remotes is set. */
  readonly remoteGroupId: Uuid | null;
  readonly remoteAddressGroupId: Uuid | null;
  readonly remoteIpPrefix: string | null;
  /** The same as it was given, host bits included: what clients compare. */
  readonly givenIpPrefix: string | null;
  readonly description: string;
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface Router extends Common {
  readonly adminStateUp: boolean;
  readonly externalNetworkId: Uuid | null;
  readonly enableSnat: boolean;
  /** Addresses on the external network; empty without a gateway. */
  readonly gatewayIps: readonly PortAddress[];
  /** Static routes, in the order given. */
  readonly routes: readonly HostRoute[];
  readonly zoneHints: readonly string[];
}

/** An address of an external network that belongs to a project: for one fixed address, or for some of its ports. */
export interface FloatingIp extends Omit<Common, 'name'> {
  readonly floatingNetworkId: Uuid;
  readonly floatingIpAddress: string;
  /** The port (of no project) that holds the address on the external network. */
  readonly floatingPortId: Uuid;
  /** The tenant's port that the address stands for, and which of its addresses; null = none. */
  readonly portId: Uuid | null;
  readonly fixedIpAddress: string | null;
  /** The router that translates; null while the address leads nowhere. */
  readonly routerId: Uuid | null;
  readonly dnsName: string;
  readonly dnsDomain: string;
  readonly portDetails: PortDetails | null;
  /** In the order of their making; never together with `portId`. */
  readonly portForwardings: readonly PortForwarding[];
}

/** What a floating IP shows of its port. */
export type PortDetails = Pick<
  Port,
  'name' | 'networkId' | 'macAddress' | 'adminStateUp' | 'status' | 'deviceId' | 'deviceOwner'
>;

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Ports of a floating IP that lead to a tenant's port. */
export interface PortForwarding {
  readonly id: Uuid;
  readonly floatingIpId: Uuid;
  /** A name that Neutron knows: `tcp`, `udp` … */
  readonly protocol: string;
  readonly externalPorts: PortRange;
  /** As many as external ones, or one. */
  readonly internalPorts: PortRange;
  readonly internalIpAddress: string;
  readonly internalPortId: Uuid;
  readonly description: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}
