/**
 * Names as a user has them: containers of a network find each other through Docker's own resolver, over both families
 * and back from the address, and names outside; those of another tenant they do not.
 */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { resolverAddress } from '../../src/model/resolver.ts';
import { toReverseName } from '../../src/names/addresses.ts';
import { Berth } from '../helpers/berth.ts';
import { Machine } from '../helpers/machine.ts';
import { until } from '../helpers/until.ts';

const outsideServer = '198.51.100.53';
const fakeServer = resolve(import.meta.dirname, '../helpers/fake-dns-server.ts');
const idle = ['sh', '-c', `trap 'exit 0' TERM; while :; do sleep 1; done`];

let machine: Machine;
let berth: Berth;

before(async () => {
  machine = await Machine.start();
  await machine.must('ip', ['address', 'add', `${outsideServer}/32`, 'dev', 'lo']);
  const script = `(await import('${fakeServer}')).FakeDnsServer.start({ address: '${outsideServer}', port: 53 })`;
  machine.spawn(process.execPath, ['--input-type=module', '-e', script], join(machine.disk, 'dns.log'));
  berth = new Berth(machine);
  await berth.up();
  await berth.addProject('blue');
});
after(async () => {
  await machine?.destroy();
});

async function openstack(...args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await berth.client('openrc', 'openstack', ...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function run(cloud: string, network: string, name: string): Promise<void> {
  await berth.as(cloud, 'run', '-n', name, '--net', `network=${network}`, 'busybox', ...idle);
  await berth.untilStatus(name, 'Running');
}

/** What nslookup in the container says by Docker's resolver, whether it found something or not. */
async function lookUp(from: string, name: string, type: string, ...server: string[]): Promise<string> {
  const { stdout, stderr } = await machine.docker(
    'exec',
    await berth.dockerName(from),
    ...['busybox', 'nslookup', `-type=${type}`, name, ...server],
  );
  return stdout + stderr;
}

const finds = (from: string, name: string, wanted: string, type = 'a') =>
  until(`${from} finds ${wanted} for ${name}`, async () =>
    (await lookUp(from, name, type)).toLowerCase().includes(wanted.toLowerCase()),
  );

/** Docker's resolver answers for addresses by its own names, so ours is asked itself. */
const isCalled = (from: string, address: string, wanted: string) =>
  until(`${from} calls ${address} ${wanted}`, async () =>
    (await lookUp(from, toReverseName(address), 'ptr', resolverAddress[4])).includes(wanted),
  );

test('containers of a network find each other and the outside; other tenants find neither', async () => {
  await openstack('network', 'create', 'shop', '--dns-domain', 'shop.example.');
  const common = ['--network', 'shop', '--dns-nameserver', outsideServer];
  await openstack('subnet', 'create', 'shop4', ...common, '--subnet-range', '10.60.0.0/24');
  const v6 = ['--ip-version', '6', '--subnet-range', 'fd00:60::/64', '--network', 'shop'];
  await openstack('subnet', 'create', 'shop6', ...v6);
  await run('berth', 'shop', 'web');
  await run('berth', 'shop', 'client');
  const addresses = await berth.addressesOf('web');
  assert.equal(addresses.length, 2, 'both families');

  for (const address of addresses) {
    const type = address.includes(':') ? 'aaaa' : 'a';
    for (const name of ['web', 'web.shop.example', 'WEB.Shop.Example'])
      await finds('client', name, address, type);
    await isCalled('client', address, 'web.shop.example');
    // As a program finds and reaches it.
    const ping = ['exec', await berth.dockerName('client'), 'busybox', type === 'a' ? 'ping' : 'ping6'];
    await until('the name can be pinged', async () => {
      const { code } = await machine.docker(...ping, '-c', '1', '-W', '2', 'web');
      return code === 0;
    });
  }
  await finds('web', 'client', (await berth.addressesOf('client'))[0] ?? 'none');
  await finds('client', 'outside.test', '192.0.2.7', 'a');
  assert.match(await lookUp('client', 'nobody.shop.example', 'a'), /NXDOMAIN/);

  await berth.as('blue', 'network', 'create', 'shop');
  await berth.as('blue', 'subnet', 'create', 'shop4', '--network', 'shop', '--subnet-range', '10.60.0.0/24');
  await run('blue', 'shop', 'stranger');
  const own = (await berth.addressesOf('stranger'))[0] ?? 'none';
  await isCalled('stranger', own, 'stranger.');
  assert.match(await lookUp('stranger', 'web', 'a'), /NXDOMAIN/);
  const foreign = toReverseName(addresses.find((one) => one.includes(':')) ?? '');
  assert.doesNotMatch(await lookUp('stranger', foreign, 'ptr', resolverAddress[4]), /shop\.example/);
});

test('a container that leaves its first network asks the resolver of the next', async () => {
  await openstack('network', 'create', 'yard');
  await openstack('subnet', 'create', 'yard4', '--network', 'yard', '--subnet-range', '10.61.0.0/24');
  await run('berth', 'yard', 'gate');
  const gate = (await berth.addressesOf('gate'))[0] ?? 'none';
  const change = async (verb: string, network: string) => {
    const { code, stderr } = await berth.client('openrc', 'zun', verb, '--network', network, 'client');
    assert.equal(code, 0, stderr);
  };
  await change('network-attach', 'yard');
  await until('two networks', async () => (await berth.addressesOf('client')).length === 3);
  await finds('client', 'web', '10.60.0.');
  await change('network-detach', 'shop');
  await finds('client', 'gate.openstacklocal', gate);
  await change('network-attach', 'shop');
  await until('both again', async () => (await berth.addressesOf('client')).length === 3);
  await finds('client', 'gate.openstacklocal', gate);
  await change('network-detach', 'yard');
});

test('names survive a restart of Berth, and go with their container', async () => {
  await berth.kill();
  await berth.up();
  await finds('client', 'web', (await berth.addressesOf('web'))[0] ?? 'none');
  await berth.cli('stop', 'web');
  await berth.untilStatus('web', 'Stopped');
  await berth.cli('delete', 'web');
  await until('the name is gone', async () =>
    /NXDOMAIN/.test(await lookUp('client', 'web.shop.example', 'a')),
  );
});
