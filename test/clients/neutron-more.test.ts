/**
 * The unmodified `openstack` command line with what goes beyond networks, ports and groups: pools, scopes, address
 * groups, sharing, quality of service, names, and what operators look at.
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

before(async () => {
  cloud = await NetworkCloud.open();
  [demo, admin] = [cloud.cli('demo'), cloud.cli('admin')];
});
after(() => cloud[Symbol.asyncDispose]());

const words = (text: string) => text.split(' ');

test('subnets come from a pool', async () => {
  const made = await demo.json<Row>(
    ...words('subnet pool create --pool-prefix 10.90.0.0/16 --default-prefix-length 24 --tag p1 labpool'),
  );
  assert.deepEqual([made.default_prefixlen, made.prefixes], [24, ['10.90.0.0/16']]);
  await demo.ok(...words('subnet pool set --default-prefix-length 25 --tag p2 labpool'));
  const shown = await demo.json<Row>(...words('subnet pool show labpool'));
  assert.deepEqual([shown.default_prefixlen, shown.tags], [25, ['p1', 'p2']]);
  await demo.ok(...words('network create poolnet'));
  const from = 'subnet create --network poolnet --subnet-pool labpool';
  const subnet = await demo.json<Row>(...words(`${from} --prefix-length 26 labsub2`));
  assert.deepEqual([subnet.cidr, subnet.subnetpool_id], ['10.90.0.0/26', shown.id]);
  assert.match(await demo.refusal(...words('subnet pool delete labpool')), /existing allocations/);
  await demo.ok(...words('subnet delete labsub2'));
  await demo.ok(...words('network delete poolnet'));
  await demo.ok(...words('subnet pool delete labpool'));
  await demo.ok(...words('address scope create --ip-version 4 labscope'));
  assert.equal((await demo.json<Row[]>(...words('address scope list'))).length, 1);
});

test('rules name address groups', async () => {
  const made = await demo.json<Row>(...words('address group create --address 192.0.2.1/32 labag'));
  assert.deepEqual(made.addresses, ['192.0.2.1/32']);
  await demo.ok(...words('address group set --address 198.51.100.0/24 labag'));
  await demo.ok(...words('address group unset --address 192.0.2.1/32 labag'));
  await demo.ok(...words('security group create --stateless labsg'));
  const rule = words('security group rule create --ingress --protocol tcp --dst-port 22');
  const { id } = await demo.json<Row>(...rule, ...words('--remote-address-group labag labsg'));
  assert.match(await demo.refusal(...words('address group delete labag')), /in use on one or more/);
  await demo.ok(...words('security group rule delete'), String(id));
  await demo.ok(...words('address group delete labag'));
  assert.deepEqual(await demo.json(...words('address group list')), []);
});

test('a network is shared with one project', async () => {
  await demo.ok(...words('network create --dns-domain corp.example. shared'));
  const share = 'network rbac create --type network --action access_as_shared';
  const made = await demo.json<Row>(...words(`${share} --target-project`), cloud.adminProject, 'shared');
  assert.deepEqual([made.action, made.object_type], ['access_as_shared', 'network']);
  assert.equal((await demo.json<Row[]>(...words('network rbac list'))).length, 1);
  const all = words(`${share} --target-all-projects shared`);
  assert.match(await demo.refusal(...all), /disallowed by policy/);
  await demo.ok(...words('network rbac delete'), String(made.id));
  const port = await demo.json<Row>(...words('port create --network shared --dns-name h1 named'));
  assert.equal(port.dns_name, 'h1');
});

test('an administrator limits bandwidth', async () => {
  await admin.ok(...words('network qos policy create --share gold'));
  const rule = 'network qos rule create --type bandwidth-limit --max-kbps 1000 --max-burst-kbits 100';
  await admin.ok(...words(`${rule} --egress gold`));
  const marking = words('network qos rule create --type dscp-marking --dscp-mark 26 gold');
  assert.match(await admin.refusal(...marking), /not supported/);
  const rules = await admin.json<Row[]>(...words('network qos rule list gold'));
  assert.deepEqual(
    rules.map((row) => [row['Max Kbps'], row.Direction]),
    [[1000, 'egress']],
  );
  await demo.ok(...words('port set --qos-policy gold named'));
  assert.match(await admin.refusal(...words('network qos policy delete gold')), /is used by port/);
  await demo.ok(...words('port unset --qos-policy named'));
  await admin.ok(...words('network qos policy delete gold'));
  const types = await admin.json<Row[]>(...words('network qos rule type list'));
  assert.deepEqual(
    types.map((row) => row.Type),
    ['bandwidth_limit'],
  );
});

test('an operator looks around', async () => {
  assert.deepEqual(await admin.json(...words('network agent list')), []);
  const left = await admin.json<Row[]>(...words('ip availability list'));
  assert.ok(Array.isArray(left));
  const providers = await admin.json<Row[]>(...words('network service provider list'));
  assert.deepEqual(
    providers.map((row) => row.Name),
    ['berth'],
  );
  assert.deepEqual(await admin.json(...words('network flavor list')), []);
});
