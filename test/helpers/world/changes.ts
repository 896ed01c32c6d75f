/** Random changes of a world, as data: what is named by a number that does not fit is fitted, so every change applies. */
import fc from 'fast-check';
import { anyRule, firstPortNumber, ofOneSort, pick, ruleOf, withOneRouted } from './any-world.ts';
import { nexthopOf, type World, type WorldPort, type WorldRouter } from './world.ts';

const kinds = [
  'port up or down',
  'port security on or off',
  'groups of a port',
  'port gone',
  'new port',
  'new port',
  'rule gone',
  'new rule',
  'new rule',
  'router up or down',
  'router gone',
  'gateway',
  'leg gone',
  'floating address gone',
  'floating address moves',
  'forwarded port gone',
] as const;

export const anyChange = fc.record({
  kind: fc.constantFrom(...kinds),
  which: fc.nat(20),
  other: fc.nat(20),
  rule: anyRule,
});
type Change = typeof anyChange extends fc.Arbitrary<infer Drawn> ? Drawn : never;

export function changed(world: World, change: Change): World {
  return consistent(appliers[change.kind](world, change));
}

/** What leads to a port or by a leg that is gone goes, too. */
function consistent(world: World): World {
  const isThere = (router: WorldRouter) => (target: { readonly port: string }) => {
    const port = world.ports.find(({ name }) => name === target.port);
    return port !== undefined && router.legs.some(({ network }) => network === port.network);
  };
  const routers = world.routers.map((router) => ({
    ...router,
    floating: router.gateway ? router.floating.filter(isThere(router)) : [],
    forwarded: router.gateway ? router.forwarded.filter(isThere(router)) : [],
    routes: router.routes.filter(
      (route) =>
        nexthopOf(world, route) &&
        router.legs.some(({ network }) => network === route.on) &&
        !router.legs.some(({ network }) => network === route.to),
    ),
  }));
  return withOneRouted({ ...world, routers });
}

type Applier = (world: World, change: Change) => World;

function withPort(edit: (port: WorldPort, world: World, change: Change) => Partial<WorldPort>): Applier {
  return (world, change) => {
    if (world.ports.length === 0) return world;
    const chosen = pick(world.ports, change.which);
    const ports = world.ports.map((port) =>
      port === chosen ? { ...port, ...edit(port, world, change) } : port,
    );
    return { ...world, ports };
  };
}

function withRouter(edit: (router: WorldRouter, change: Change) => WorldRouter[]): Applier {
  return (world, change) => {
    if (world.routers.length === 0) return world;
    const chosen = pick(world.routers, change.which);
    return {
      ...world,
      routers: world.routers.flatMap((router) => (router === chosen ? edit(router, change) : [router])),
    };
  };
}

const withRules: (edit: (world: World, change: Change) => World['groups']) => Applier =
  (edit) => (world, change) => ({ ...world, groups: edit(world, change) });

const groupsOfPort = (port: WorldPort, world: World, { other }: Change) => {
  const own = world.groups.filter(({ tenant }) => tenant === port.tenant);
  return { groups: ofOneSort(own, [pick(own, other), pick(own, other + 1 + (other % 2))]) };
};

const appliers: Record<Change['kind'], Applier> = {
  'port up or down': withPort(({ up }) => ({ up: !up })),
  'port security on or off': withPort(({ secured }) => ({ secured: !secured })),
  'groups of a port': withPort(groupsOfPort),
  'port gone': (world, { which }) => ({
    ...world,
    ports: world.ports.filter((port) => port !== pick(world.ports, which)),
  }),
  'new port': (world, change) => {
    const network = pick(world.networks, change.which);
    const own = world.ports.filter(({ tenant }) => tenant === network.tenant);
    const number = Math.max(firstPortNumber, ...own.map((port) => port.number)) + 1;
    const port: WorldPort = {
      name: `${network.tenant}-port${number - firstPortNumber}`,
      tenant: network.tenant,
      network: network.name,
      number,
      versions: [4, 6],
      groups: [],
      secured: true,
      up: true,
    };
    return { ...world, ports: [...world.ports, { ...port, ...groupsOfPort(port, world, change) }] };
  },
  'rule gone': withRules(({ groups }, { which, other }) =>
    groups.map((group) =>
      group === pick(groups, which)
        ? { ...group, rules: group.rules.filter((rule) => rule !== pick(group.rules, other)) }
        : group,
    ),
  ),
  'new rule': withRules(({ groups, networks }, { which, rule }) =>
    groups.map((group) => {
      if (group !== pick(groups, which)) return group;
      const own = groups.filter(({ tenant }) => tenant === group.tenant).map(({ name }) => name);
      const near = networks.filter(({ tenant }) => tenant === group.tenant);
      return { ...group, rules: [...group.rules, ruleOf(rule, near, own)] };
    }),
  ),
  'router up or down': withRouter((router) => [{ ...router, up: !router.up }]),
  'router gone': withRouter(() => []),
  gateway: withRouter((router, { other }) => {
    const { gateway } = router;
    if (!gateway) return [router];
    return [{ ...router, gateway: other % 2 === 0 ? null : { ...gateway, snat: !gateway.snat } }];
  }),
  'floating address gone': withRouter((router) => [{ ...router, floating: router.floating.slice(1) }]),
  'floating address moves': (world, { which, other }) => {
    const chosen = pick(world.routers, which);
    return {
      ...world,
      routers: world.routers.map((router) => {
        if (router !== chosen) return router;
        const near = world.ports.filter(
          ({ versions, network, name }) =>
            versions.includes(4) &&
            router.legs.some((leg) => leg.network === network) &&
            !router.floating.some(({ port }) => port === name),
        );
        const [first, ...rest] = router.floating;
        if (!first || near.length === 0) return router;
        return { ...router, floating: [{ ...first, port: pick(near, other).name }, ...rest] };
      }),
    };
  },
  'forwarded port gone': withRouter((router) => [{ ...router, forwarded: router.forwarded.slice(1) }]),
  'leg gone': withRouter((router) => [
    { ...router, legs: router.legs.length > 1 ? router.legs.slice(0, -1) : router.legs },
  ]),
};
