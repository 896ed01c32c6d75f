/**
 * Everything between a container's port and the outside, taken apart in any order: what nothing depends on goes, what
 * is in use answers 409 and stays, and in the end nothing is left.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RoutedApi } from '../../../test/helpers/routed-api.ts';

interface Built {
  readonly external: string;
  readonly net: string;
  readonly subnet: string;
  readonly router: string;
  readonly ports: readonly [string, string];
  /** Stands for the first port. */
  readonly whole: string;
  /** Forwards a port to the second. */
  readonly partial: string;
  readonly forwarding: string;
}

async function build(world: RoutedApi): Promise<Built> {
  const { router, subnet, net, port } = await world.routed();
  const routes = [{ destination: '10.88.0.0/24', nexthop: '10.0.0.200' }];
  await world.put(`/routers/${router}`, { router: { routes } });
  const second = await world.port(net);
  const whole = await world.floating({ port_id: port });
  const partial = await world.floating();
  const path = `/floatingips/${partial.id}/port_forwardings`;
  const given = { protocol: 'tcp', external_port: 80, internal_port: 80, internal_port_id: second };
  const { id: forwarding } = await world.api.make('demo', path, { port_forwarding: given });
  return {
    external: world.external,
    net,
    subnet,
    router,
    ports: [port, second],
    whole: whole.id,
    partial: partial.id,
    forwarding,
  };
}

const parts = [
  'forwarding',
  'whole',
  'partial',
  'route',
  'gateway',
  'leg',
  'router',
  'port1',
  'port2',
  'subnet',
  'network',
  'external',
] as const;
type Part = (typeof parts)[number];

interface Step {
  readonly request: (built: Built) => readonly [method: string, path: string, body?: object];
  readonly token?: string;
  /** Whether it can go while these are there. */
  readonly isFree: (there: ReadonlySet<Part>) => boolean;
  /** What goes with it. */
  readonly takes?: readonly Part[];
}

const isAssociated = (there: ReadonlySet<Part>) => there.has('whole') && there.has('port1');
const isUnused = (there: ReadonlySet<Part>) =>
  !there.has('leg') && !there.has('port1') && !there.has('port2');
const leadsNowhere = (there: ReadonlySet<Part>) => !isAssociated(there) && !there.has('forwarding');

const steps: Readonly<Record<Part, Step>> = {
  forwarding: {
    request: ({ partial, forwarding }) => [
      'DELETE',
      `/floatingips/${partial}/port_forwardings/${forwarding}`,
    ],
    isFree: () => true,
  },
  whole: { request: ({ whole }) => ['DELETE', `/floatingips/${whole}`], isFree: () => true },
  partial: {
    request: ({ partial }) => ['DELETE', `/floatingips/${partial}`],
    isFree: (there) => !there.has('forwarding'),
  },
  route: {
    request: ({ router }) => ['PUT', `/routers/${router}`, { router: { routes: [] } }],
    isFree: () => true,
  },
  gateway: {
    request: ({ router }) => ['PUT', `/routers/${router}`, { router: { external_gateway_info: {} } }],
    isFree: leadsNowhere,
  },
  leg: {
    request: ({ router, subnet }) => [
      'PUT',
      `/routers/${router}/remove_router_interface`,
      { subnet_id: subnet },
    ],
    isFree: (there) => leadsNowhere(there) && !there.has('route'),
  },
  router: {
    request: ({ router }) => ['DELETE', `/routers/${router}`],
    isFree: (there) => !there.has('leg') && leadsNowhere(there),
    takes: ['gateway', 'route'],
  },
  port1: { request: ({ ports }) => ['DELETE', `/ports/${ports[0]}`], isFree: () => true },
  port2: {
    request: ({ ports }) => ['DELETE', `/ports/${ports[1]}`],
    isFree: () => true,
    takes: ['forwarding'],
  },
  subnet: { request: ({ subnet }) => ['DELETE', `/subnets/${subnet}`], isFree: isUnused },
  network: { request: ({ net }) => ['DELETE', `/networks/${net}`], isFree: isUnused, takes: ['subnet'] },
  external: {
    request: ({ external }) => ['DELETE', `/networks/${external}`],
    token: 'admin@infra',
    isFree: (there) => !there.has('gateway') && leadsNowhere(there),
    takes: ['whole', 'partial'],
  },
};

test('every order of taking apart is answered as it is legal', async () => {
  const orders = fc.shuffledSubarray([...parts], { minLength: parts.length });
  await fc.assert(
    fc.asyncProperty(orders, async (order) => {
      await using world = await RoutedApi.open();
      const built = await build(world);
      const there = new Set<Part>(parts);
      while (there.size > 0) {
        const before = there.size;
        for (const part of order.filter((one) => there.has(one))) {
          if (!there.has(part)) continue;
          const { request, token = 'demo', isFree, takes = [] } = steps[part];
          const [method, path, body] = request(built);
          const { status } = await world.api.send(token, method, path, body);
          const done = method === 'PUT' ? 200 : 204;
          assert.equal(status, isFree(there) ? done : 409, `${part} while ${[...there].join(' ')} are there`);
          if (status === 409) continue;
          for (const gone of [part, ...takes]) there.delete(gone);
        }
        assert.ok(there.size < before, `stuck with ${[...there].join(' ')}`);
      }
      const { networks, subnets, ports, routers, floatingips } = await world.everything();
      assert.deepEqual(
        [networks.networks, subnets.subnets, ports.ports, routers.routers, floatingips.floatingips],
        [[], [], [], [], []],
      );
    }),
    { numRuns: 15 },
  );
});
