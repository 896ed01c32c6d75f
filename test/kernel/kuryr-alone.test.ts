/**
 * Kuryr alone on the real kernel: its links, on the bridge that Neutron's agent would connect and filter. Docker's
 * part (moving the container's end, giving it its addresses) is done by hand.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { linuxBridge } from '../../src/openstack/binding/linux-bridge.ts';
import {
  type ContainerOfDocker,
  createNetwork,
  removeNetwork,
  startContainer,
  stopContainer,
} from '../helpers/docker-flows.ts';
import { withKuryrAlone } from '../helpers/kuryr-alone.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';

enterPrivateNetwork();

let kernel: Kernel;
before(async () => {
  kernel = await openKernel({ log: silentLog() });
});
after(() => kernel.close());

/** As dockerd and runc do. */
async function sandbox(netns: string, { join, addresses }: ContainerOfDocker): Promise<void> {
  const name: string = join.InterfaceName.SrcName;
  await kernel.apply([
    { do: 'ensure-netns', name: netns },
    { do: 'move-link', name, to: { netns, name: 'eth0' } },
    ...addresses.map(({ address }) => ({ do: 'ensure-address', netns, link: 'eth0', address }) as const),
    { do: 'set-link', netns, name: 'eth0', up: true },
  ]);
}

test('two containers reach each other through the bridge of their network; everything is gone afterwards', () =>
  withKuryrAlone({ kernel, bindings: { berth: linuxBridge } }, async (alone) => {
    const network = await createNetwork(alone, { id: 'a'.repeat(64), subnets: [{ pool: '10.77.0.0/24' }] });
    const started: ContainerOfDocker[] = [];
    for (const digit of ['1', '2']) {
      const container = {
        endpointId: digit.repeat(64),
        mac: `02:42:00:00:00:0${digit}`,
        ip: `10.77.0.1${digit}`,
      };
      const one = await startContainer(alone, network, container);
      started.push(one);
      await sandbox(`c${digit}`, one);
      const [eth0] = (await kernel.links(`c${digit}`)).filter(({ name }) => name === 'eth0');
      assert.deepEqual([eth0?.mac, eth0?.mtu], [container.mac, 1450]);
    }
    execFileSync('ip', ['netns', 'exec', 'c1', 'ping', '-c', '1', '-W', '10', '10.77.0.12']);
    await alone.restart();
    for (const one of started) await stopContainer(alone, network, one);
    await removeNetwork(alone, network);
    const links = (await kernel.links()).map(({ name }) => name);
    assert.deepEqual(
      links.filter((name) => /^(tap|t_c)/.test(name)),
      [],
    );
    assert.deepEqual(await kernel.links('c1').then((all) => all.map(({ name }) => name)), ['lo']);
    assert.deepEqual(await alone.service.list('subnetpools', {}), []);
  }));
