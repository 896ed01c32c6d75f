/** Builders of wanted networks: everything has a default, so that a test says only what it is about. */
import type {
  WantedNetwork,
  WantedPort,
  WantedRouter,
  WantedRule,
  WantedSecurityGroup,
} from '../../src/wire/host-network.ts';

/** `10.0.0.5` → a port of that address; the MAC follows from its number. */
export function aPort(address: string, overrides: Partial<WantedPort> = {}): WantedPort {
  const number = Number(address.split('.').at(-1));
  const low = number.toString(16).padStart(2, '0');
  return {
    id: crypto.randomUUID(),
    macAddress: `fa:16:3e:00:00:${low}`,
    adminStateUp: true,
    fixedIps: [
      { address, subnetId: 'v4', version: 4 },
      { address: `fd00::${low}`, subnetId: 'v6', version: 6 },
    ],
    portSecurityEnabled: true,
    securityGroupIds: [],
    allowedAddressPairs: [],
    deviceOwner: 'compute:berth',
    deviceId: '',
    bandwidth: { egress: null, ingress: null },
    ...overrides,
  };
}

export function aRule(
  direction: WantedRule['direction'],
  ipVersion: 4 | 6,
  overrides: Partial<WantedRule> = {},
): WantedRule {
  return {
    direction,
    ipVersion,
    protocol: null,
    portMin: null,
    portMax: null,
    remoteGroupId: null,
    remotePrefix: null,
    ...overrides,
  };
}

/** As Neutron makes a group: everything out, nothing in but the given rules. */
export function aGroup(rules: readonly WantedRule[], id: string = crypto.randomUUID()): WantedSecurityGroup {
  return { id, stateful: true, rules: [aRule('egress', 4), aRule('egress', 6), ...rules] };
}

/** A network whose remote groups have the members that its ports make. */
export function aNetwork(overrides: Partial<WantedNetwork> = {}): WantedNetwork {
  const { ports = [], securityGroups = [] } = overrides;
  const addressesOf = (id: string, version: 4 | 6) =>
    ports
      .filter((port) => port.securityGroupIds.includes(id))
      .flatMap((port) => port.fixedIps.filter((one) => one.version === version).map((one) => one.address));
  return {
    id: crypto.randomUUID(),
    projectId: 'project',
    name: 'network',
    adminStateUp: true,
    external: false,
    mtu: 1450,
    segmentationId: 1,
    subnets: [],
    ports,
    securityGroups,
    remoteGroups: securityGroups.map(({ id }) => ({
      groupId: id,
      v4: addressesOf(id, 4),
      v6: addressesOf(id, 6),
    })),
    routers: [],
    dnsDomain: '',
    names: [],
    ...overrides,
  };
}

export function aRouter(
  networkId: string,
  addresses: string[],
  overrides: Partial<WantedRouter> = {},
): WantedRouter {
  const portId = crypto.randomUUID();
  return {
    id: crypto.randomUUID(),
    adminStateUp: true,
    enableSnat: true,
    gateway: null,
    interfaces: [{ portId, networkId, macAddress: 'fa:16:3e:00:01:01', addresses, advertised: [] }],
    routes: [],
    routedPrefixes: [],
    floatingIps: [],
    portForwardings: [],
    hostPorts: [],
    ...overrides,
  };
}
