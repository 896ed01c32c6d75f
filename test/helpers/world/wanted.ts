/** The wanted dataplane of the one host of a world, as the server would tell it. */
import { createHash } from 'node:crypto';
import type { WantedNetwork, WantedRouter } from '../../../src/wire/host-network.ts';
import { aNetwork, aPort } from '../wanted-network.ts';
import {
  addressesOf,
  addressOn,
  cidrOf,
  fixedAddress,
  networkOf,
  nexthopOf,
  outside,
  versionOf,
  versions,
  type World,
  type WorldPort,
  type WorldRouter,
} from './world.ts';

/** Stable ids for names: those of two worlds differ by the salt. */
export type Ids = (name: string) => string;

export function idsOf(salt: string): Ids {
  return (name) => {
    const digest = createHash('sha256').update(`${salt}/${name}`).digest('hex');
    return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
  };
}

export function wantedOf(world: World, ids: Ids): WantedNetwork[] {
  return world.networks.map((network) => {
    const ports = world.ports.filter((port) => port.network === network.name);
    const used = new Set(ports.flatMap(({ groups }) => groups));
    const groups = world.groups.filter(({ name }) => used.has(name));
    const remotes = new Set(groups.flatMap(({ rules }) => rules.flatMap((rule) => rule.remoteGroupId ?? [])));
    return aNetwork({
      id: ids(network.name),
      projectId: ids(network.tenant),
      name: network.name,
      ports: ports.map((port) => wantedPort(world, port, ids)),
      securityGroups: groups.map(({ name, stateful, rules }) => ({
        id: ids(name),
        stateful,
        rules: rules.map((rule) => ({
          ...rule,
          remoteGroupId: rule.remoteGroupId === null ? null : ids(rule.remoteGroupId),
        })),
      })),
      remoteGroups: [...remotes].map((name) => {
        const members = world.ports
          .filter((port) => port.groups.includes(name))
          .flatMap((port) => addressesOf(world, port));
        const of = (version: 4 | 6) => members.filter((address) => versionOf(address) === version);
        return { groupId: ids(name), v4: of(4), v6: of(6) };
      }),
      routers: world.routers
        .filter(({ legs }) => legs.some((leg) => leg.network === network.name))
        .map((router) => wantedRouter(world, router, ids)),
    });
  });
}

function wantedPort(world: World, port: WorldPort, ids: Ids) {
  const [first = ''] = addressesOf(world, port);
  return aPort(first, {
    id: ids(port.name),
    macAddress: macOf(ids(port.name)),
    fixedIps: addressesOf(world, port).map((address) => ({
      address,
      subnetId: ids(`${port.network}/${versionOf(address)}`),
      version: versionOf(address),
    })),
    adminStateUp: port.up,
    portSecurityEnabled: port.secured,
    securityGroupIds: port.groups.map(ids),
  });
}

function wantedRouter(world: World, router: WorldRouter, ids: Ids): WantedRouter {
  const { name, up, legs, gateway } = router;
  return {
    id: ids(name),
    adminStateUp: up,
    enableSnat: gateway?.snat ?? true,
    gateway: gateway && {
      networkId: ids('external'),
      portId: ids(`${name}/gateway`),
      macAddress: macOf(ids(`${name}/gateway`)),
      mtu: 1500,
      addresses: versions.map(
        (version) => `${outside.external(gateway.number, version)}/${version === 4 ? 24 : 64}`,
      ),
      nexthops: versions.map(outside.machine),
    },
    interfaces: legs.map((leg) => ({
      portId: ids(`${name}/${leg.network}`),
      networkId: ids(leg.network),
      macAddress: macOf(ids(`${name}/${leg.network}`)),
      addresses: versions.map(
        (version) =>
          `${addressOn(networkOf(world, leg.network), leg.number, version)}/${version === 4 ? 24 : 64}`,
      ),
      advertised: [],
    })),
    routes: routesOf(world, router),
    routedPrefixes:
      gateway?.snat === false
        ? legs.flatMap((leg) => versions.map((version) => cidrOf(networkOf(world, leg.network), version)))
        : [],
    floatingIps: router.floating.map(({ number, port }) => ({
      id: ids(`${name}/floating${number}`),
      address: outside.external(number, 4),
      fixedAddress: fixedAddress(world, port),
    })),
    hostPorts: [],
    portForwardings: router.forwarded.map(({ number, protocol, external, port, internal }) => ({
      id: ids(`${name}/forwarded${number}/${protocol}${external}`),
      address: outside.external(number, 4),
      protocol: protocol === 'tcp' ? 6 : 17,
      externalPorts: { from: external, to: external },
      internalAddress: fixedAddress(world, port),
      internalPorts: { from: internal, to: internal },
    })),
  };
}

function routesOf(world: World, router: WorldRouter): WantedRouter['routes'] {
  return router.routes.flatMap((route) => {
    const leg = nexthopOf(world, route);
    if (!leg) return [];
    const [from, to] = [networkOf(world, leg.network), networkOf(world, route.to)];
    return versions.map((version) => ({
      destination: cidrOf(to, version),
      nexthop: addressOn(from, leg.number, version),
    }));
  });
}

function macOf(id: string): string {
  const digits = id.slice(-6);
  return `fa:16:3e:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4)}`;
}
