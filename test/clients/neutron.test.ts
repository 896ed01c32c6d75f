/**
 * The unmodified `openstack` command line against a listening server with identity and the network service: what
 * a user does with networks, subnets, ports, security groups and rules, and what an administrator does with quotas.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
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

describe('a user', () => {
  test('makes, tags, renames, lists and shows a network', async () => {
    const made = await demo.json<Row>(...words('network create --description d1 --tag t1 --tag t2 labnet'));
    assert.deepEqual(
      [made.name, made.description, made.status, made.shared],
      ['labnet', 'd1', 'ACTIVE', false],
    );
    await demo.ok(...words('network set --name labnet2 --tag t3 labnet'));
    await demo.ok(...words('network unset --tag t1 labnet2'));
    const rows = await demo.json<Row[]>(...words('network list --name labnet2 --tags t3 --long'));
    assert.deepEqual(
      rows.map((row) => [row.ID, row.Tags]),
      [[made.id, ['t2', 't3']]],
    );
    assert.deepEqual(await demo.json(...words('network list --external')), []);
    assert.match(await demo.refusal(...words('network show nosuch')), /No Network found for nosuch/);
    assert.match(await demo.refusal(...words('network create --share all')), /disallowed by policy/);
  });

  test('makes subnets of both versions and changes one', async () => {
    const made = await demo.json<Row>(
      ...words('subnet create --network labnet2 --subnet-range 10.80.0.0/24 --gateway 10.80.0.1'),
      ...words('--dns-nameserver 192.0.2.1 --allocation-pool start=10.80.0.10,end=10.80.0.13'),
      ...words('--host-route destination=10.81.0.0/16,gateway=10.80.0.9 labsub'),
    );
    assert.deepEqual(made.allocation_pools, [{ start: '10.80.0.10', end: '10.80.0.13' }]);
    assert.deepEqual(made.host_routes, [{ destination: '10.81.0.0/16', nexthop: '10.80.0.9' }]);
    await demo.ok(
      ...words('subnet create --network labnet2 --ip-version 6 --subnet-range fd00:80::/64'),
      ...words('--ipv6-ra-mode slaac --ipv6-address-mode slaac labsub6'),
    );
    const overlap = words('subnet create --network labnet2 --subnet-range 10.80.0.0/25 labsub3');
    assert.match(await demo.refusal(...overlap), /overlaps with another subnet/);
    await demo.ok(...words('subnet set --name labsubx --no-dhcp --tag st labsub'));
    const shown = await demo.json<Row>(...words('subnet show labsubx'));
    assert.deepEqual([shown.id, shown.enable_dhcp, shown.tags], [made.id, false, ['st']]);
    const rows = await demo.json<Row[]>(...words('subnet list --network labnet2'));
    assert.deepEqual(rows.map((row) => row.Subnet).sort(), ['10.80.0.0/24', 'fd00:80::/64']);
  });

  test('makes a security group with rules', async () => {
    await demo.ok(...words('security group create --description sgd --tag x labsg'));
    const create = words('security group rule create --ingress --protocol tcp --dst-port 80:81');
    const rule = await demo.json<Row>(...create, '--remote-ip', '192.0.2.0/24', 'labsg');
    assert.deepEqual([rule.port_range_min, rule.port_range_max, rule.protocol], [80, 81, 'tcp']);
    const again = await demo.refusal(...create, '--remote-ip', '192.0.2.0/24', 'labsg');
    assert.match(again, /ConflictException: 409.*already exists/);
    await demo.ok(
      ...words('security group rule create --ingress --protocol icmp --remote-group labsg labsg'),
    );
    const rules = await demo.json<Row[]>(...words('security group rule list labsg'));
    assert.equal(rules.length, 4);
    assert.ok(rules.some((row) => row['Port Range'] === '80:81' && row['IP Range'] === '192.0.2.0/24'));
    await demo.ok(...words('security group rule delete'), String(rule.id));
    await demo.ok(...words('security group set --description sgd2 labsg'));
    const shown = await demo.json<Row>(...words('security group show labsg'));
    assert.deepEqual([shown.description, shown.stateful], ['sgd2', true]);
    const groups = await demo.json<Row[]>(...words('security group list'));
    assert.deepEqual(groups.map((row) => row.Name).sort(), ['default', 'labsg']);
  });

  test('makes a port with everything, changes it and finds it by its address', async () => {
    const made = await demo.json<Row>(
      ...words('port create --network labnet2 --fixed-ip subnet=labsubx,ip-address=10.80.0.11'),
      ...words('--security-group labsg --allowed-address ip-address=10.80.0.99'),
      ...words('--mac-address fa:16:3e:11:22:33 --tag pt --device d --device-owner compute:zun labport'),
    );
    assert.equal(made.mac_address, 'fa:16:3e:11:22:33');
    const addresses = (made.fixed_ips as { ip_address: string }[]).map((ip) => ip.ip_address);
    assert.deepEqual(addresses, ['10.80.0.11', 'fd00:80::f816:3eff:fe11:2233']);
    const taken = words('port create --network labnet2 --fixed-ip subnet=labsubx,ip-address=10.80.0.11 p3');
    assert.match(await demo.refusal(...taken), /already allocated/);
    await demo.ok(
      ...words('port set --name labportx --security-group default --allowed-address'),
      ...words('ip-address=10.80.0.98 --tag pt2 labport'),
    );
    await demo.ok(
      ...words('port unset --security-group labsg --allowed-address'),
      'ip-address=10.80.0.99,mac-address=fa:16:3e:11:22:33',
      'labportx',
    );
    const shown = await demo.json<Row>(...words('port show labportx'));
    assert.equal((shown.security_group_ids as string[]).length, 1);
    assert.deepEqual(shown.allowed_address_pairs, [
      { ip_address: '10.80.0.98', mac_address: 'fa:16:3e:11:22:33' },
    ]);
    assert.deepEqual(shown.tags, ['pt', 'pt2']);
    const list = words('port list --network labnet2 --fixed-ip ip-address=10.80.0.11 --long');
    assert.deepEqual(
      (await demo.json<Row[]>(...list)).map((row) => row.ID),
      [made.id],
    );
    await demo.ok(
      ...words('port set --no-security-group --disable-port-security --no-allowed-address labportx'),
    );
    assert.match(
      await demo.refusal(...words('port create --network labnet2 --host h p')),
      /disallowed by policy/,
    );
  });

  test('deletes what is not in use, and learns what is', async () => {
    assert.match(await demo.refusal(...words('network delete labnet2')), /ports still in use/);
    assert.match(await demo.refusal(...words('subnet delete labsubx')), /have an IP allocation/);
    assert.match(await demo.refusal(...words('security group delete default')), /default security group/);
    await demo.ok(...words('port delete labportx'));
    await demo.ok(...words('security group delete labsg'));
    await demo.ok(...words('subnet delete labsubx labsub6'));
    await demo.ok(...words('network delete labnet2'));
    assert.deepEqual(await demo.json(...words('network list')), []);
  });

  test('sees extensions, zones, routers and no floating IPs', async () => {
    const extensions = await demo.json<Row[]>(...words('extension list --network'));
    assert.ok(extensions.some((row) => row.Alias === 'security-group'));
    const zones = await demo.json<Row[]>(...words('availability zone list --network'));
    assert.ok(zones.every((row) => row['Zone Name'] === 'nova'));
    assert.deepEqual(await demo.json(...words('router list')), []);
    assert.deepEqual(await demo.json(...words('floating ip list')), []);
  });
});

describe('an administrator', () => {
  test('makes a shared network with numbers as text, and binds a port', async () => {
    const create = words(
      'network create --provider-network-type vxlan --provider-segment 77 --share --mtu 1400',
    );
    const made = await admin.json<Row>(...create, 'admnet');
    assert.deepEqual([made['provider:segmentation_id'], made.mtu, made.shared], [77, 1400, true]);
    assert.match(await admin.refusal(...create, 'admnet2'), /tunnel ID 77 is in use/);
    const bound = await admin.json<Row>(...words('port create --network admnet --host h1 admport'));
    assert.equal(bound.binding_host_id, 'h1');
    await admin.ok(...words('port unset --host admport'));
    assert.equal((await admin.json<Row>(...words('port show admport'))).binding_host_id, '');
    assert.equal((await demo.json<Row[]>(...words('network list --share'))).length, 1);
    await admin.ok(...words('port delete admport'));
    await admin.ok(...words('network delete admnet'));
  });

  // `quota set` and `quota show` of this client give up when the catalog has no compute service.
  test('lists quotas of projects that have their own, which hold', async () => {
    const caller = await cloud.adminCaller();
    await cloud.world.control.quotas.update(caller, cloud.adminProject, { port: 7, network: 0 });
    const [row, ...others] = await admin.json<Row[]>(...words('quota list --network'));
    assert.deepEqual([row?.['Project ID'], row?.Ports, row?.Networks], [cloud.adminProject, 7, 0]);
    assert.equal(others.length, 0);
    const refused = await admin.refusal(...words('network create over'));
    assert.match(refused, /Quota exceeded for resources: \['network'\]/);
    await cloud.world.control.quotas.reset(caller, cloud.adminProject);
  });

  test('sees a router with its gateway and its interface', async () => {
    const caller = await cloud.adminCaller();
    const { networks, subnets, routers } = cloud.world.control;
    const [outside, inside] = await networks.create(caller, [
      { name: 'public', external: true },
      { name: 'in' },
    ]);
    assert.ok(outside && inside);
    const [, subnet] = await subnets.create(caller, [
      { networkId: outside.id, cidr: '172.24.4.0/24' },
      { networkId: inside.id, cidr: '10.10.0.0/24' },
    ]);
    assert.ok(subnet);
    const [router] = await routers.create(caller, [
      { name: 'demo-router', gateway: { networkId: outside.id } },
    ]);
    assert.ok(router);
    await routers.addInterface(caller, router.id, { subnetId: subnet.id });
    const rows = await admin.json<Row[]>(...words('router list'));
    assert.deepEqual(
      rows.map((row) => [row.Name, row.Status]),
      [['demo-router', 'ACTIVE']],
    );
    const shown = await admin.json<Row>(...words('router show demo-router'));
    assert.equal((shown.external_gateway_info as Row).network_id, outside.id);
    assert.deepEqual(
      (shown.interfaces_info as Row[]).map((row) => row.ip_address),
      ['10.10.0.1'],
    );
  });
});
