/**
 * Kuryr alone in front of a real Neutron with the Linux bridge agent. Runs where there is one: in the network namespace of
 * its agent, with `BERTH_NEUTRON_AUTH_URL`, `BERTH_NEUTRON_PASSWORD` (of admin) and `BERTH_NEUTRON_HOST` (the agent's).
 * Docker's part (moving the container's end, giving it its addresses) is done by hand.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { silentLog } from '../../src/base/log.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { bindings } from '../../src/openstack/binding/binding.ts';
import type { NetworkService } from '../../src/wire/network-service.ts';
import {
  type ContainerOfDocker,
  createNetwork,
  type NetworkOfDocker,
  removeNetwork,
  startContainer,
  stopContainer,
} from '../helpers/docker-flows.ts';
import { type KuryrAlone, serveKuryrAlone } from '../helpers/kuryr-alone.ts';
import { until } from '../helpers/until.ts';

const { BERTH_NEUTRON_AUTH_URL: authUrl, BERTH_NEUTRON_PASSWORD: password } = process.env;
const host = process.env.BERTH_NEUTRON_HOST ?? '';
const domain = { name: 'Default' };
const run = promisify(execFile);

const labels = { 'com.docker.network.endpoint.exposedports': [{ Proto: 6, Port: 80 }] };
const dhcp = 'network:dhcp';

async function inventory(service: NetworkService): Promise<string[]> {
  const kinds = ['networks', 'subnets', 'subnetpools', 'ports', 'security-groups', 'floatingips'] as const;
  const all = await Promise.all(kinds.map((kind) => service.list(kind, {})));
  return all
    .flat()
    .filter((row) => row.device_owner !== dhcp)
    .map(({ id }) => id)
    .toSorted();
}

/** A Docker network with two containers, in network namespaces of their own. */
class Pair {
  readonly containers: ContainerOfDocker[] = [];
  readonly digit: string;
  readonly #alone: KuryrAlone;
  readonly #kernel: Kernel;
  #network: NetworkOfDocker | undefined;

  constructor(alone: KuryrAlone, kernel: Kernel, digit: string) {
    this.#alone = alone;
    this.#kernel = kernel;
    this.digit = digit;
  }

  async start(request: Parameters<typeof createNetwork>[1]): Promise<void> {
    const network = await createNetwork(this.#alone, request);
    this.#network = network;
    for (const n of [1, 2]) {
      const started = await startContainer(this.#alone, network, {
        endpointId: `${this.digit}${n}`.repeat(32),
        mac: `02:42:00:00:0${this.digit}:0${n}`,
        labels: n === 1 ? labels : {},
      });
      this.containers.push(started);
      await this.#sandbox(this.netns(n), started);
    }
  }

  netns(n: number): string {
    return `berth-neutron-${this.digit}${n}`;
  }

  address(n: number, family: 0 | 1 = 0): string {
    return this.containers[n - 1]?.addresses[family]?.address.split('/')[0] ?? '';
  }

  /** From the second container. */
  async reaches(address: string): Promise<boolean> {
    const args = ['netns', 'exec', this.netns(2), 'ping', '-c', '1', '-W', '2', address];
    return run('ip', args).then(
      () => true,
      () => false,
    );
  }

  async hear(port: number): Promise<string> {
    const args = ['netns', 'exec', this.netns(2), 'busybox', 'nc', '-w', '2', this.address(1), String(port)];
    return run('ip', args).then(
      ({ stdout }) => stdout.trim(),
      () => '',
    );
  }

  async remove(): Promise<void> {
    if (!this.#network) return;
    for (const container of this.containers) await stopContainer(this.#alone, this.#network, container);
    for (const n of [1, 2]) await this.#kernel.apply([{ do: 'delete-netns', name: this.netns(n) }]);
    await removeNetwork(this.#alone, this.#network);
  }

  async #sandbox(netns: string, { join, addresses }: ContainerOfDocker): Promise<void> {
    await this.#kernel.apply([
      { do: 'ensure-netns', name: netns },
      { do: 'move-link', name: join.InterfaceName.SrcName, to: { netns, name: 'eth0' } },
      ...addresses.map(({ address }) => ({ do: 'ensure-address', netns, link: 'eth0', address }) as const),
      { do: 'set-link', netns, name: 'eth0', up: true },
    ]);
  }
}

const isThere = authUrl !== undefined && password !== undefined;

test('two Docker networks on a real Neutron: ports active, groups enforced by its agent, nothing left', {
  skip: isThere ? false : 'no Neutron is named by BERTH_NEUTRON_AUTH_URL',
}, async () => {
  const kernel = await openKernel({ log: silentLog() });
  const logIn = { kind: 'password', user: { name: 'admin', domain }, password: password ?? '' } as const;
  const project = { name: 'admin', domain };
  const credentials = { authUrl: authUrl ?? '', logIn, project, interface: 'public' } as const;
  const servers: ChildProcess[] = [];
  await serveKuryrAlone({ kernel, bindings, credentials, name: host }, async (alone) => {
    const { service } = alone;
    const before = await inventory(service);
    const [a, b] = [new Pair(alone, kernel, 'a'), new Pair(alone, kernel, 'b')];
    try {
      await a.start({ id: 'a'.repeat(64), subnets: [{ pool: '10.77.0.0/16', range: '10.77.1.0/24' }] });
      await b.start({
        id: 'b'.repeat(64),
        subnets: [{ pool: '10.78.0.0/24' }],
        v6: [{ pool: 'fd00:78::/64' }],
      });
      await until('the ports are active', async () =>
        (await service.list('ports', { device_owner: 'compute:kuryr' })).every(
          ({ status }) => status === 'ACTIVE',
        ),
      );
      await until('IPv4 on the first network', () => a.reaches(a.address(1)));
      await until('IPv4 on the second', () => b.reaches(b.address(1)));
      await until('IPv6 on the second', () => b.reaches(b.address(1, 1)));
      for (const port of ['80', '81']) {
        const echo = ['busybox', 'nc', '-ll', '-p', port, '-e', 'echo', port];
        servers.push(spawn('ip', ['netns', 'exec', a.netns(1), ...echo], { stdio: 'ignore' }));
      }
      const [second] = await service.list('ports', { device_id: 'a2'.repeat(32) });
      assert.ok(second);
      // Out of the default group: only what the other one exposes is open.
      await service.update('ports', second.id, { security_groups: [await lonely(service)] });
      await until('what is not exposed is closed', async () => (await a.hear(81)) === '');
      assert.equal(await a.hear(80), '80');
    } finally {
      for (const server of servers) server.kill('SIGKILL');
      await a.remove();
      await b.remove();
      for (const { id } of await service.list('security-groups', { name: 'lonely' })) {
        await service.remove('security-groups', id);
      }
    }
    assert.deepEqual(await inventory(service), before);
    assert.deepEqual(
      (await kernel.links()).filter(({ alias }) => alias.startsWith('kuryr')),
      [],
    );
  });
  await kernel.close();
});

async function lonely(service: NetworkService): Promise<string> {
  return (await service.create('security-groups', { name: 'lonely' })).id;
}
