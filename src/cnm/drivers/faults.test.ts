/** Overlay and macvlan, broken at every step in turn: what a failed call made is gone, and nobody's address is held. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { FakeKernel } from '../../host/fake.ts';
import { Controller } from '../controller.ts';
import { DefaultIpam } from '../ipam/default.ts';
import { nullIpam } from '../ipam/null.ts';
import { FolderDirectory } from '../peers/folder.ts';
import { MemoryStore } from '../store.ts';
import { MacvlanDriver } from './macvlan/driver.ts';
import { OverlayDriver } from './overlay/driver.ts';

const host = async () => '192.0.2.1';

class World {
  readonly kernel = new FakeKernel();
  readonly folder = mkdtempSync(join(tmpdir(), 'berth-faults-'));
  readonly directory = new FolderDirectory({ folder: this.folder, rescanMs: 3_600_000 });
  controller!: Controller;
  #overlay!: OverlayDriver;

  async open(): Promise<void> {
    const { kernel, directory } = this;
    this.controller = await Controller.open({
      store: new MemoryStore(),
      kernel,
      log: silentLog(),
      drivers: (records) => {
        this.#overlay = new OverlayDriver({
          kernel,
          records,
          directory,
          tunnelAddress: host,
          log: silentLog(),
        });
        return [this.#overlay, new MacvlanDriver(kernel, records)];
      },
      ipams: [new DefaultIpam({ global: { directory, host } }), nullIpam],
    });
  }

  async attach(driver: string): Promise<void> {
    const { controller } = this;
    const pools = [{ cidr: '10.7.0.0/24' }, { cidr: 'fd07::/64' }];
    const network = await controller.createNetwork({ name: 'n', driver, pools });
    const endpoint = await controller.createEndpoint(network.id, { name: 'e' });
    const sandbox = await controller.createSandbox({ name: 's' });
    await controller.join(endpoint.id, sandbox.id);
  }

  async clear(): Promise<void> {
    for (const { id } of this.controller.sandboxes()) await this.controller.deleteSandbox(id);
    for (const { id } of this.controller.endpoints()) await this.controller.deleteEndpoint(id);
    for (const { id } of this.controller.networks()) await this.controller.deleteNetwork(id);
  }

  async close(): Promise<void> {
    await this.#overlay.close();
    rmSync(this.folder, { recursive: true });
  }
}

for (const driver of ['overlay', 'macvlan']) {
  test(`${driver}: a failure at any step leaves what was before`, async () => {
    let failures = 0;
    for (let at = 1; ; at += 1) {
      const world = new World();
      await world.open();
      try {
        world.kernel.failAt(at);
        const failed = await world.attach(driver).then(
          () => false,
          () => true,
        );
        world.kernel.failAt(undefined);
        await world.clear();
        assert.deepEqual(world.kernel.leftovers(), [], `step ${at}`);
        assert.deepEqual(readdirSync(world.folder), [], `step ${at}`);
        if (!failed) break;
        failures += 1;
      } finally {
        await world.close();
      }
    }
    assert.ok(failures > 5, `${failures} steps were broken`);
  });
}

test('overlay: a tunnel’s id belongs to one network of the host; options that cannot be are refused', async () => {
  const world = new World();
  await world.open();
  try {
    const label = 'com.docker.network.driver.overlay.vxlanid_list';
    const create = (name: string, options: Record<string, string>, id?: string) =>
      world.controller.createNetwork({ name, driver: 'overlay', options, ...(id ? { id } : {}) });
    await create('one', { [label]: '5000' });
    await assert.rejects(create('two', { [label]: '5000,6000' }), /VXLAN id 5000 is used by network one/);
    for (const wrong of ['0', '16777216', 'x', '5001,']) {
      await assert.rejects(create('two', { [label]: wrong }), /failed to parse/, wrong);
    }
    await assert.rejects(create('two', { 'com.docker.network.driver.mtu': '100' }), /no room for the tunnel/);
    await world.clear();
  } finally {
    await world.close();
  }
});

test('networks that are nothing without addresses refuse the null IPAM driver', async () => {
  const world = new World();
  await world.open();
  try {
    for (const driver of ['overlay', 'macvlan']) {
      const draft = { name: 'n', driver, ipamDriver: 'null' };
      await assert.rejects(world.controller.createNetwork(draft), /0\.0\.0\.0\/0 of the null IPAM driver/);
    }
    assert.deepEqual([world.controller.networks(), world.kernel.leftovers()], [[], []]);
  } finally {
    await world.close();
  }
});
