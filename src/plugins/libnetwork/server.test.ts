import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { KuryrWorld } from '../../../test/helpers/kuryr-world.ts';
import { isFailure } from '../../model/failure.ts';

const networkId = 'a'.repeat(64);

test('dockerd learns what the driver is', () =>
  KuryrWorld.with(async (world) => {
    assert.deepEqual(await world.call('Plugin.Activate'), { Implements: ['NetworkDriver', 'IpamDriver'] });
    assert.deepEqual(await world.call('NetworkDriver.GetCapabilities'), {
      Scope: 'local',
      ConnectivityScope: 'global',
    });
    assert.deepEqual(await world.call('IpamDriver.GetCapabilities'), {
      RequiresMACAddress: true,
      RequiresRequestReplay: false,
    });
    assert.deepEqual(await world.call('IpamDriver.GetDefaultAddressSpaces'), {
      LocalDefaultAddressSpace: 'kuryr',
      GlobalDefaultAddressSpace: 'kuryr',
    });
  }));

test('what is wrong with a call is said in both envelopes', () =>
  KuryrWorld.with(async (world) => {
    const wrong: [string, unknown, number, RegExp][] = [
      ['NetworkDriver.CreateNetwork', undefined, 400, /the request.*nothing/],
      ['NetworkDriver.CreateNetwork', '{"NetworkID"', 400, /not JSON/],
      ['NetworkDriver.DeleteNetwork', { NetworkID: 'x' }, 400, /NetworkID.*not "x"/],
      ['IpamDriver.RequestPool', { Pool: '10.0.0.0/33', V6: false }, 400, /"10.0.0.0\/33" is not a CIDR/],
      [
        'IpamDriver.RequestAddress',
        { PoolID: 'gone', Address: '' },
        404,
        /Subnet with pool gone does not exist/,
      ],
      [
        'IpamDriver.RequestPool',
        { Pool: '', Options: { 'neutron.subnet.name': 7 }, V6: false },
        400,
        /Options.neutron.subnet.name: must be string, not 7/,
      ],
      ['NetworkDriver.Nonsense', {}, 404, /there is no call/],
    ];
    for (const [call, body, status, text] of wrong) {
      const answer = await world.ask(call, body);
      assert.equal(answer.status, status, call);
      assert.match(answer.body.Err, text);
      assert.equal(answer.body.Error, answer.body.Err);
    }
  }));

test('a call that takes too long is answered, and taken back when it succeeds after all', () =>
  KuryrWorld.with(async (world) => {
    let goOn = () => undefined as undefined;
    const held = new Promise<void>((resolve) => {
      goOn = () => resolve() as undefined;
    });
    world.service.before = (call) => (call === 'create networks' ? held : undefined);
    const { status, body } = await world.ask('NetworkDriver.CreateNetwork', {
      NetworkID: networkId,
      IPv4Data: [{ Pool: '10.1.0.0/24' }],
      IPv6Data: [],
    });
    assert.deepEqual([status, body.Err.includes('no answer within 100 ms')], [504, true]);
    goOn();
    // Calls about one network are done in turn: this one waits for the late one and its undoing.
    await world.call('NetworkDriver.DeleteNetwork', { NetworkID: networkId });
    assert.deepEqual(world.service.inventory().networks, []);
  }, 100));

test('a socket that nobody serves is replaced, one that somebody serves is not', () =>
  KuryrWorld.with(async (world) => {
    await assert.rejects(
      () => world.start(),
      (error) => isFailure(error, 'already-running') && error.message.includes('kuryr.name'),
    );
    await world.call('Plugin.Activate');
    await world.stop();
    await writeFile(world.socketPath, '');
    await world.start();
    await world.call('Plugin.Activate');
    await world.stop();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(world.socketPath, resolve));
    await assert.rejects(() => world.start(), /another process serves/);
    await new Promise((resolve) => other.close(resolve));
    await world.start();
  }));
