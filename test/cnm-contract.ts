/**
 * What every driver of the Container Network Model has to do, on the real kernel: the same life for all that have
 * addresses. A test file gives the options of its networks and calls this once per driver.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CnmNetworkDraft } from '../src/model/cnm.ts';
import { isFailure } from '../src/model/failure.ts';
import type { CnmHost } from './helpers/cnm-host.ts';

export interface DriverUnderTest {
  readonly name: string;
  /** A network of the driver; `number` makes names and addresses differ. */
  readonly draft: (number: number) => CnmNetworkDraft;
  /** The families that it can have. */
  readonly has6: boolean;
  /** Whether it keeps its networks apart; another maker's may not. */
  readonly isolates: boolean;
}

export function testDriverContract(
  host: () => CnmHost,
  { name, draft, has6, isolates }: DriverUnderTest,
): void {
  const check = (what: string, work: (host: CnmHost) => Promise<void>) =>
    test(`${name}: ${what}`, async () => {
      const before = await host().traces();
      try {
        await work(host());
      } finally {
        await host().clear();
      }
      assert.deepEqual(await host().traces(), before, 'nothing is left');
    });

  check('two sandboxes of one network reach each other, in every family', async (here) => {
    const net = await here.controller.createNetwork(draft(1));
    const [a, b] = [await here.attach('a', net.id), await here.attach('b', net.id)];
    assert.ok(await here.pings('a', b.address));
    assert.ok(await here.pings('b', a.address));
    if (has6) assert.ok(await here.pings('a', b.address6));
    assert.equal(await here.macOf('a', a.interfaceName), a.macAddress);
  });

  check('networks are apart', async (here) => {
    const [one, two] = [
      await here.controller.createNetwork(draft(1)),
      await here.controller.createNetwork(draft(2)),
    ];
    await here.attach('a', one.id);
    const far = await here.attach('b', two.id);
    assert.equal(await here.pings('a', far.address), !isolates);
  });

  check(
    'a sandbox on two networks reaches both, and an endpoint that left and came back has its address',
    async (here) => {
      const [one, two] = [
        await here.controller.createNetwork(draft(1)),
        await here.controller.createNetwork(draft(2)),
      ];
      const [left, right] = [await here.attach('left', one.id), await here.attach('right', two.id)];
      const first = await here.attach('both', one.id);
      const second = await here.attach('both', two.id);
      assert.notEqual(first.interfaceName, second.interfaceName);
      assert.ok(await here.pings('both', left.address));
      assert.ok(await here.pings('both', right.address));
      const sandbox = here.controller.findSandbox('both');
      await here.controller.leave(first.id, sandbox.id);
      if (isolates) assert.ok(!(await here.pings('both', left.address)));
      assert.ok(await here.pings('both', right.address));
      const again = await here.controller.join(first.id, sandbox.id);
      assert.equal(again.address, first.address);
      assert.ok(await here.pings('both', left.address));
    },
  );

  check('an asked address and MAC are given; a second time they are refused', async (here) => {
    const net = await here.controller.createNetwork(draft(1));
    const block = net.pools[0]?.cidr.replace(/\.0\/\d+$/, '') ?? '';
    const asked = { address: `${block}.77`, macAddress: '02:00:00:00:00:77' };
    const endpoint = await here.controller.createEndpoint(net.id, { name: 'asked', ...asked });
    assert.match(endpoint.address ?? '', new RegExp(`^${block.replaceAll('.', '\\.')}\\.77/`));
    assert.equal(endpoint.macAddress, '02:00:00:00:00:77');
    await assert.rejects(
      here.controller.createEndpoint(net.id, { name: 'again', address: asked.address }),
      (error) => isFailure(error),
    );
    await assert.rejects(here.controller.deleteNetwork(net.id), (error) =>
      isFailure(error, 'network-in-use'),
    );
  });

  check('a new process goes on where the last one was', async (here) => {
    const net = await here.controller.createNetwork(draft(1));
    const [a, b] = [await here.attach('a', net.id), await here.attach('b', net.id)];
    await here.restart();
    assert.ok(await here.pings('a', b.address), 'nothing was disturbed');
    const third = await here.attach('c', net.id);
    assert.ok(![a.address, b.address].includes(third.address));
    assert.ok(await here.pings('c', a.address));
  });

  check('what a reboot took is put back', async (here) => {
    const net = await here.controller.createNetwork(draft(1));
    await here.attach('a', net.id);
    const b = await here.attach('b', net.id);
    await here.reboot();
    assert.ok(await here.pings('a', b.address));
  });
}
