/**
 * The unmodified `openstack` command line with routers, floating IPs and forwarded ports, in the order in which the
 * reference took them from the real service: what is in use is refused until what uses it is gone.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NetworkCloud } from '../helpers/network-cloud.ts';
import type { OpenStackCli } from '../helpers/openstack-cli.ts';

interface Row {
  readonly [column: string]: unknown;
}

let cloud: NetworkCloud;
let demo: OpenStackCli;
let admin: OpenStackCli;
let address: string;

const words = (text: string) => text.split(' ');
const ok = (text: string) => demo.ok(...words(text));
const refusal = (text: string) => demo.refusal(...words(text));
const json = <T>(text: string) => demo.json<T>(...words(text));

before(async () => {
  cloud = await NetworkCloud.open();
  [demo, admin] = [cloud.cli('demo'), cloud.cli('admin')];
  await admin.ok(...words('network create --external public'));
  await admin.ok(
    ...words('subnet create --network public --subnet-range 172.24.4.0/24 --no-dhcp public-subnet'),
  );
  await ok('network create labnet2');
  await ok('subnet create --network labnet2 --subnet-range 10.80.0.0/24 labsubx');
  await ok('port create --network labnet2 --fixed-ip subnet=labsubx,ip-address=10.80.0.11 labportx');
  await ok('port create --network labnet2 labport2');
});
after(() => cloud[Symbol.asyncDispose]());

test('a router gets a subnet, a gateway and a route', async () => {
  const made = await json<Row>('router create --tag rt labrouter');
  assert.deepEqual([made.status, made.external_gateway_info], ['ACTIVE', null]);
  await ok('router add subnet labrouter labsubx');
  assert.match(await refusal('router add subnet labrouter labsubx'), /already has a port on subnet/);
  await ok('router set --external-gateway public labrouter');
  await ok('router set --route destination=10.88.0.0/24,gateway=10.80.0.12 labrouter');
  const rows = await json<Row[]>('router list');
  assert.deepEqual(
    rows.map((row) => [row.ID, row.Name]),
    [[made.id, 'labrouter']],
  );
  const shown = await json<Row>('router show labrouter');
  assert.deepEqual(shown.tags, ['rt']);
  assert.deepEqual(
    (shown.interfaces_info as Row[]).map((row) => row.ip_address),
    ['10.80.0.1'],
  );
  assert.equal((shown.external_gateway_info as Row).enable_snat, true);
  assert.deepEqual(shown.routes, [{ destination: '10.88.0.0/24', nexthop: '10.80.0.12' }]);
  assert.match(
    await refusal('router set --disable-snat --external-gateway public labrouter'),
    /disallowed by policy/,
  );
});

test('a floating IP is made, found by its address, given to ports and released', async () => {
  const made = await json<Row>('floating ip create --description f --tag ft public');
  address = String(made.floating_ip_address);
  assert.deepEqual([made.status, made.description], ['DOWN', 'f']);
  assert.equal((await json<Row[]>('floating ip list')).length, 1);
  const [row] = await json<Row[]>('floating ip list --long --network public');
  assert.deepEqual([row?.ID, row?.Status, row?.Tags], [made.id, 'DOWN', ['ft']]);
  await ok(`floating ip set --port labportx ${address}`);
  const shown = await json<Row>(`floating ip show ${address}`);
  assert.deepEqual([shown.fixed_ip_address, shown.status], ['10.80.0.11', 'ACTIVE']);
  assert.match(
    await refusal('router remove subnet labrouter labsubx'),
    /409.*required by one or more floating IPs/,
  );
  await ok(`floating ip set --port labport2 ${address}`);
  assert.match(await refusal('floating ip create --port labport2 public'), /already has a floating IP/);
  await ok(`floating ip unset --port ${address}`);
  await ok(`floating ip delete ${address}`);
  const given = await json<Row>('floating ip create --port labportx public');
  assert.equal(given.fixed_ip_address, '10.80.0.11');
  await ok(`floating ip delete ${String(given.floating_ip_address)}`);
  assert.match(
    await refusal('floating ip create --floating-ip-address 172.24.4.99 public'),
    /disallowed by policy/,
  );
  assert.match(await refusal('floating ip create labnet2'), /not a valid external network/);
});

test('ports of a floating IP are forwarded', async () => {
  const made = await json<Row>('floating ip create public');
  address = String(made.floating_ip_address);
  const create = 'floating ip port forwarding create --internal-ip-address 10.80.0.11 --port labportx';
  const forwarding = await json<Row>(
    `${create} --internal-protocol-port 80 --external-protocol-port 8080 --protocol tcp ${address}`,
  );
  assert.deepEqual([forwarding.external_port, forwarding.internal_port], [8080, 80]);
  const again = `${create} --internal-protocol-port 81 --external-protocol-port 8080 --protocol tcp ${address}`;
  assert.match(await refusal(again), /port collision/);
  const id = String(forwarding.id);
  const at = 'floating ip port forwarding';
  await ok(`${at} set --external-protocol-port 8081 --description web ${address} ${id}`);
  const [row, ...others] = await json<Row[]>(`${at} list ${address}`);
  assert.deepEqual([row?.ID, row?.['External Port'], others.length], [id, 8081, 0]);
  assert.equal((await json<Row>(`${at} show ${address} ${id}`)).description, 'web');
  assert.match(await refusal(`floating ip set --port labport2 ${address}`), /in use by Port Forwarding/);
  await ok(`${at} delete ${address} ${id}`);
  await ok(`floating ip delete ${address}`);
});

test('what is in use is refused, and everything goes in the legal order', async () => {
  assert.match(await refusal('subnet delete labsubx'), /409.*have an IP allocation/);
  assert.match(await refusal('network delete labnet2'), /409.*ports still in use/);
  assert.match(await refusal('router delete labrouter'), /409.*ports still attached/);
  assert.match(
    await refusal('router remove subnet labrouter labsubx'),
    /409.*required by one or more routes/,
  );
  await ok('router set --no-route labrouter');
  await ok('router unset --external-gateway labrouter');
  await ok('router remove subnet labrouter labsubx');
  await ok('router add port labrouter labport2');
  await ok('router remove port labrouter labport2');
  await ok('router delete labrouter');
  await ok('port delete labportx');
  await ok('subnet delete labsubx');
  await ok('network delete labnet2');
  await admin.ok(...words('network delete public'));
  assert.deepEqual(await admin.json(...words('port list')), []);
});
