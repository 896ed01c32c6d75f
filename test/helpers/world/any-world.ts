/**
 * Random worlds, small enough that rules, members and packets meet often. Numbers are drawn freely and then fitted (the
 * third port of two is the first again), so that every draw is a world and a failing one shrinks well.
 */
import fc from 'fast-check';
import { aRule } from '../wanted-network.ts';
import {
  addressOn,
  cidrOf,
  type IpVersion,
  outside,
  type World,
  type WorldGroup,
  type WorldNetwork,
  type WorldPort,
  type WorldRouter,
  type WorldRule,
} from './world.ts';

export const anyRule = fc.record({
  direction: fc.constantFrom<WorldRule['direction'][]>('ingress', 'ingress', 'egress'),
  ipVersion: fc.constantFrom<IpVersion[]>(4, 6),
  match: fc.constantFrom('any', 'any', 'any', 'tcp', 'udp', 'icmp', 'tcp 80', 'udp 80', 'udp 80-81', 'echo'),
  remote: fc.constantFrom('any', 'any', 'any', 'group', 'group', 'host', 'network', 'outside'),
  which: fc.nat(11),
});
type DrawnRule = typeof anyRule extends fc.Arbitrary<infer Rule> ? Rule : never;

const anyTenant = fc.record({
  numbers: fc.shuffledSubarray([1, 2, 3], { minLength: 1 }),
  groups: fc.array(
    fc.record({
      stateful: fc.nat(3).map((one) => one > 0),
      talksFreely: fc.nat(3).map((one) => one > 0),
      rules: fc.array(anyRule, { minLength: 1, maxLength: 7 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  ports: fc.array(
    fc.record({
      network: fc.nat(2),
      groups: fc.uniqueArray(fc.nat(2), { maxLength: 3 }),
      versions: fc.constantFrom<IpVersion[][]>([4, 6], [4, 6], [4, 6], [4], [6]),
      secured: fc.nat(7).map((one) => one > 0),
      up: fc.nat(9).map((one) => one > 0),
    }),
    { minLength: 2, maxLength: 6 },
  ),
  routers: fc.array(
    fc.record({
      legs: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }),
      up: fc.nat(7).map((one) => one > 0),
      gateway: fc.constantFrom('none', 'snat', 'snat', 'routed'),
      floating: fc.uniqueArray(fc.nat(5), { maxLength: 2 }),
      forwarded: fc.array(
        fc.record({
          protocol: fc.constantFrom<('tcp' | 'udp')[]>('tcp', 'udp'),
          external: fc.constantFrom(80, 81),
          port: fc.nat(5),
          internal: fc.constantFrom(80, 81),
        }),
        { maxLength: 2 },
      ),
      hasRoutes: fc.boolean(),
    }),
    { maxLength: 2 },
  ),
});
type DrawnTenant = typeof anyTenant extends fc.Arbitrary<infer Tenant> ? Tenant : never;

/** One to three tenants; of their routers at most one is without source NAT: addresses overlap. */
export const anyWorld: fc.Arbitrary<World> = fc
  .array(anyTenant, { minLength: 1, maxLength: 3 })
  .map((drawn) => {
    const parts = drawn.map((one, at) => tenantOf(one, 'abc'.charAt(at), at));
    return withOneRouted({
      networks: parts.flatMap(({ networks }) => networks),
      groups: parts.flatMap(({ groups }) => groups),
      ports: parts.flatMap(({ ports }) => ports),
      routers: parts.flatMap(({ routers }) => routers),
    });
  });

/** Routers without source NAT after the first get it. */
export function withOneRouted(world: World): World {
  const first = world.routers.find(({ gateway }) => gateway?.snat === false);
  const routers = world.routers.map((router) =>
    router.gateway && router !== first ? { ...router, gateway: { ...router.gateway, snat: true } } : router,
  );
  return { ...world, routers };
}

/** Of a list that is not empty. */
export function pick<T>(list: readonly T[], index: number): T {
  return list[index % list.length] as T;
}

function tenantOf(drawn: DrawnTenant, tenant: string, at: number): World {
  const networks = drawn.numbers.map((number) => ({ name: `${tenant}-net${number}`, tenant, number }));
  const groupNames = drawn.groups.map((_, index) => `${tenant}-group${index}`);
  const groups = drawn.groups.map(
    ({ stateful, talksFreely, rules }, index): WorldGroup => ({
      name: pick(groupNames, index),
      tenant,
      stateful,
      rules: [
        ...(talksFreely ? [aRule('egress', 4), aRule('egress', 6)] : []),
        ...rules.map((rule) => ruleOf(rule, networks, groupNames)),
      ],
    }),
  );
  const ports = drawn.ports.map(
    (port, index): WorldPort => ({
      ...port,
      name: `${tenant}-port${index}`,
      tenant,
      network: pick(networks, port.network).name,
      number: firstPortNumber + index,
      groups: ofOneSort(
        groups,
        port.groups.map((one) => pick(groups, one)),
      ),
    }),
  );
  return { networks, groups, ports, routers: routersOf(drawn, { tenant, at, networks, ports }) };
}

export const firstPortNumber = 10;

/** As Neutron has it: a port's groups are all stateful or all stateless. */
export function ofOneSort(all: readonly WorldGroup[], chosen: readonly WorldGroup[]): string[] {
  const [first] = chosen;
  const fitting = all.filter((group) => chosen.includes(group) && group.stateful === first?.stateful);
  return fitting.map(({ name }) => name);
}

const matches: Record<DrawnRule['match'], (version: IpVersion) => Partial<WorldRule>> = {
  any: () => ({}),
  tcp: () => ({ protocol: 6 }),
  udp: () => ({ protocol: 17 }),
  icmp: () => ({ protocol: 1 }),
  'tcp 80': () => ({ protocol: 6, portMin: 80, portMax: 80 }),
  'udp 80': () => ({ protocol: 17, portMin: 80, portMax: 80 }),
  'udp 80-81': () => ({ protocol: 17, portMin: 80, portMax: 81 }),
  echo: (version) => ({ protocol: version === 4 ? 1 : 58, portMin: version === 4 ? 8 : 128 }),
};

export function ruleOf(
  { direction, ipVersion, match, remote, which }: DrawnRule,
  networks: readonly WorldNetwork[],
  groups: readonly string[],
): WorldRule {
  const network = pick(networks, which);
  const host = addressOn(network, firstPortNumber + (which % 4), ipVersion);
  const remotes: Record<DrawnRule['remote'], Partial<WorldRule>> = {
    any: {},
    group: { remoteGroupId: pick(groups, which) },
    host: { remotePrefix: ipVersion === 4 ? `${host}/32` : `${host}/128` },
    network: { remotePrefix: cidrOf(network, ipVersion) },
    outside: { remotePrefix: `${outside.outside(ipVersion)}/${ipVersion === 4 ? 32 : 128}` },
  };
  return aRule(direction, ipVersion, { ...matches[match](ipVersion), ...remotes[remote] });
}

/** The first router on a network is its gateway. */
function routersOf(
  drawn: DrawnTenant,
  {
    tenant,
    at,
    networks,
    ports,
  }: { tenant: string; at: number; networks: readonly WorldNetwork[]; ports: readonly WorldPort[] },
): WorldRouter[] {
  const used = new Map<string, number>();
  const routers = drawn.routers.map(({ legs, up, gateway }, index): WorldRouter => {
    const own = [...new Set(legs.map((leg) => pick(networks, leg).name))].map((network) => {
      const number = (used.get(network) ?? 0) + 1;
      used.set(network, number);
      return { network, number };
    });
    return {
      name: `${tenant}-router${index}`,
      tenant,
      up,
      legs: own,
      gateway: gateway === 'none' ? null : { number: 10 * (at + 1) + index, snat: gateway === 'snat' },
      floating: [],
      forwarded: [],
      routes: [],
    };
  });
  return routers.map((router, index) => ({
    ...router,
    ...translationsOf(drawn.routers[index], router, ports),
    routes: drawn.routers[index]?.hasRoutes ? waysBy(router, routers) : [],
  }));
}

/** For ports on the router's networks, each at most once: nothing is forwarded at addresses that float. */
function translationsOf(
  drawn: DrawnTenant['routers'][number] | undefined,
  { gateway, legs }: WorldRouter,
  ports: readonly WorldPort[],
): Pick<WorldRouter, 'floating' | 'forwarded'> {
  const near = ports.filter(
    ({ network, versions }) => versions.includes(4) && legs.some((leg) => leg.network === network),
  );
  if (!drawn || !gateway || near.length === 0) return { floating: [], forwarded: [] };
  const floating = [...new Set(drawn.floating.map((one) => pick(near, one)))];
  return {
    floating: floating.map(({ name }, index) => ({ number: gateway.number * 3 + 70 + index, port: name })),
    forwarded: drawn.forwarded
      .filter((one, index, all) => all.findIndex((other) => isSamePort(one, other)) === index)
      .map(({ port, ...one }) => ({ ...one, number: gateway.number * 3 + 72, port: pick(near, port).name })),
  };
}

interface ExternalPort {
  readonly protocol: string;
  readonly external: number;
}
const isSamePort = (one: ExternalPort, other: ExternalPort) =>
  one.protocol === other.protocol && one.external === other.external;

/** To the networks of routers that share one with this one. */
function waysBy(router: WorldRouter, all: readonly WorldRouter[]): WorldRouter['routes'] {
  const has = ({ legs }: WorldRouter, network: string) => legs.some((leg) => leg.network === network);
  const ways = all
    .filter((other) => other !== router)
    .flatMap((other) => {
      const shared = other.legs.find(({ network }) => has(router, network));
      if (!shared) return [];
      const beyond = other.legs.filter(({ network }) => !has(router, network));
      return beyond.map(({ network }) => ({ to: network, router: other.name, on: shared.network }));
    });
  return [...new Map(ways.map((way) => [way.to, way])).values()];
}
