import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKernel } from '../host/fake.ts';
import type { Kernel, KernelRoute } from '../host/kernel.ts';
import { isFailure } from '../model/failure.ts';
import { type DefaultRoute, setDefaultRoutes } from './default-routes.ts';

const netns = 'of-the-container';
const v4 = { version: 4, macAddress: 'FA:16:3E:00:00:01', via: '10.0.1.1' } as const;
const v6 = { version: 6, macAddress: 'fa:16:3e:00:00:02', via: 'fd00:2::1' } as const;

/** A kernel in which the process with id 7 is in a namespace with two links. */
async function container(): Promise<{
  set(...routes: DefaultRoute[]): Promise<void>;
  routes(): Promise<string[]>;
}> {
  const fake = new FakeKernel();
  await fake.apply([
    { do: 'ensure-netns', name: netns },
    ...[1, 2].map(
      (n) =>
        ({ do: 'ensure-bridge', netns, name: `eth${n}`, mtu: 1450, mac: `fa:16:3e:00:00:0${n}` }) as const,
    ),
    ...[1, 2].map((n) => ({ do: 'set-link', netns, name: `eth${n}`, up: true }) as const),
    { do: 'ensure-address', netns, link: 'eth1', address: '10.0.1.9/24' },
    { do: 'ensure-address', netns, link: 'eth2', address: '10.0.2.9/24' },
    { do: 'ensure-address', netns, link: 'eth2', address: 'fd00:2::9/64' },
  ]);
  const here = (path?: string) => (path === '/proc/7/ns/net' ? netns : path);
  const kernel = {
    links: (path?: string) => fake.links(here(path)),
    routes: (path?: string) => fake.routes(here(path)),
    apply: (steps: Parameters<Kernel['apply']>[0]) =>
      fake.apply(steps.map((step) => ('netns' in step ? { ...step, netns } : step))),
  } as unknown as Kernel;
  const text = ({ to, via, link }: KernelRoute) => `${to} ${via} ${link}`;
  return {
    set: (...routes) => setDefaultRoutes(kernel, 7, routes),
    routes: async () =>
      (await fake.routes(netns))
        .filter(({ to }) => to.endsWith('/0'))
        .map(text)
        .sort(),
  };
}

test('each family has the route that is wanted and no other; twice is as good as once', async () => {
  const { set, routes } = await container();
  for (const _ of ['once', 'twice']) {
    await set(v4, v6);
    assert.deepEqual(await routes(), ['0.0.0.0/0 10.0.1.1 eth1', '::/0 fd00:2::1 eth2']);
  }
  await set({ ...v4, macAddress: v6.macAddress, via: '10.0.2.1' });
  assert.deepEqual(await routes(), ['0.0.0.0/0 10.0.2.1 eth2', '::/0 fd00:2::1 eth2']);
  await set();
  assert.deepEqual(await routes(), ['::/0 fd00:2::1 eth2'], 'what a router may have advertised is left');
});

test('a namespace without the link is left as it is: the process is another one by now', async () => {
  const { set, routes } = await container();
  await set(v4);
  await assert.rejects(set({ ...v4, macAddress: '02:00:00:00:00:99' }), (error) =>
    isFailure(error, 'kernel-error'),
  );
  assert.deepEqual(await routes(), ['0.0.0.0/0 10.0.1.1 eth1']);
});
