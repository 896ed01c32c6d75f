/** Floating IPs and forwarded ports, as clients work with them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Json, RoutedApi } from '../../../test/helpers/routed-api.ts';

const nobody = '00000000-0000-4000-8000-000000000000';

describe('a floating IP', () => {
  let world: RoutedApi;
  let routed: { router: string; subnet: string; port: string; net: string };
  before(async () => {
    world = await RoutedApi.open();
    routed = await world.routed();
  });
  after(() => world[Symbol.asyncDispose]());

  const associate = (port_id: string | null, more: object = {}) => ({ floatingip: { port_id, ...more } });

  test('is made, read back, given to a port, moved, taken back and released', async () => {
    const made = await world.floating({ description: 'f' });
    assert.match(made.floating_ip_address, /^172\.24\.4\.\d+$/);
    assert.deepEqual(
      [made.description, made.status, made.router_id, made.port_id, made.fixed_ip_address],
      ['f', 'DOWN', null, null, null],
    );
    assert.deepEqual([made.port_details, made.port_forwardings, made.name], [null, [], undefined]);
    const path = `/floatingips/${made.id}`;
    assert.deepEqual(await world.get(path), made);
    const { floatingip: given } = await world.put(path, associate(routed.port));
    assert.deepEqual(
      [given.status, given.router_id, given.port_id, given.fixed_ip_address, given.description],
      ['ACTIVE', routed.router, routed.port, '10.0.0.2', 'f'],
    );
    const port = await world.get(`/ports/${routed.port}`);
    assert.deepEqual(given.port_details, {
      name: '',
      network_id: routed.net,
      mac_address: port.mac_address,
      admin_state_up: true,
      status: 'DOWN',
      device_id: '',
      device_owner: '',
    });
    const again = (await world.put(path, { floatingip: { description: 'g' } })).floatingip;
    assert.deepEqual([again.port_id, again.description], [routed.port, 'g'], 'it stays where it is');
    const other = await world.port(routed.net);
    const moved = (await world.put(path, associate(other))).floatingip;
    assert.deepEqual([moved.port_id, moved.fixed_ip_address], [other, '10.0.0.3']);
    const back = (await world.put(path, associate(null))).floatingip;
    assert.deepEqual(
      [back.status, back.router_id, back.port_id, back.fixed_ip_address, back.port_details],
      ['DOWN', null, null, null, null],
    );
    await world.put(`${path}/tags`, { tags: ['ft'] });
    assert.equal((await world.get('/floatingips?tags=ft')).length, 1);
    assert.equal((await world.get(path)).revision_number, back.revision_number + 1);
    await world.remove(path);
    assert.deepEqual(await world.refused('GET', path), [404, 'FloatingIPNotFound']);
    const { ports } = (await world.api.send('admin@infra', 'GET', `/ports?device_id=${made.id}`)).body;
    assert.deepEqual(ports, [], 'its address is free again');
  });

  test('is held by a port of no project on the external network', async () => {
    const { id, floating_ip_address } = await world.floating();
    const { ports } = (await world.api.send('admin@infra', 'GET', `/ports?device_id=${id}`)).body;
    assert.equal(ports.length, 1);
    const [port] = ports;
    assert.deepEqual(
      [port.device_owner, port.project_id, port.network_id, port.status, port.fixed_ips[0].ip_address],
      ['network:floatingip', '', world.external, 'N/A', floating_ip_address],
    );
    assert.deepEqual(await world.refused('DELETE', `/ports/${port.id}`, undefined, 'admin@infra'), [
      409,
      'ServicePortInUse',
    ]);
    assert.deepEqual(await world.refused('GET', `/ports/${port.id}`), [404, 'PortNotFound']);
    await world.remove(`/floatingips/${id}`);
  });

  test('is found by what it is: not by its address in the path', async () => {
    const { id, floating_ip_address: address } = await world.floating({ port_id: routed.port });
    assert.deepEqual(await world.refused('GET', `/floatingips/${address}`), [404, 'FloatingIPNotFound']);
    for (const query of [
      `floating_ip_address=${address}`,
      `port_id=${routed.port}`,
      'fixed_ip_address=10.0.0.2',
      `router_id=${routed.router}`,
      `floating_network_id=${world.external}`,
      'status=ACTIVE',
      `id=${id}`,
    ]) {
      const found: Json[] = await world.get(`/floatingips?${query}`);
      assert.deepEqual(
        found.map((one) => one.id),
        [id],
        query,
      );
    }
    assert.deepEqual(await world.get('/floatingips?status=DOWN'), []);
    assert.equal((await world.api.send('demo', 'GET', '/floatingips?name=x')).status, 400);
    assert.deepEqual((await world.api.send('eve', 'GET', '/floatingips')).body, { floatingips: [] });
    await world.remove(`/floatingips/${id}`);
  });

  test('outlives its port, and keeps router and gateway while it leads through them', async () => {
    const port = await world.port(routed.net);
    const { id, revision_number } = await world.floating({ port_id: port });
    const remove = `/routers/${routed.router}/remove_router_interface`;
    assert.deepEqual(await world.refused('PUT', remove, { subnet_id: routed.subnet }), [
      409,
      'RouterInterfaceInUseByFloatingIP',
    ]);
    const router = { router: { external_gateway_info: null } };
    assert.deepEqual(await world.refused('PUT', `/routers/${routed.router}`, router), [
      409,
      'RouterExternalGatewayInUseByFloatingIp',
    ]);
    const elsewhere = { port: { fixed_ips: [{ ip_address: '10.0.0.99' }] } };
    assert.deepEqual(await world.refused('PUT', `/ports/${port}`, elsewhere), [400, 'BadRequest']);
    await world.remove(`/ports/${port}`);
    const left = await world.get(`/floatingips/${id}`);
    assert.deepEqual([left.port_id, left.router_id, left.status], [null, null, 'DOWN']);
    assert.equal(left.revision_number, revision_number + 1);
    await world.remove(`/floatingips/${id}`);
  });

  test('stands for the address that was asked for', async () => {
    const port = await world.port(routed.net, {
      fixed_ips: [{ ip_address: '10.0.0.50' }, { ip_address: '10.0.0.51' }],
    });
    const first = await world.floating({ port_id: port, fixed_ip_address: '10.0.0.51' });
    assert.equal(first.fixed_ip_address, '10.0.0.51');
    const second = await world.floating();
    const path = `/floatingips/${second.id}`;
    assert.deepEqual(await world.refused('PUT', path, associate(port)), [400, 'BadRequest']);
    const taken = associate(port, { fixed_ip_address: '10.0.0.51' });
    assert.deepEqual(await world.refused('PUT', path, taken), [409, 'FloatingIPPortAlreadyAssociated']);
    const { body } = await world.api.send('demo', 'PUT', path, taken);
    assert.equal(
      body.NeutronError.message,
      `Cannot associate floating IP ${second.floating_ip_address} (${second.id}) with port ${port} using fixed IP ` +
        `10.0.0.51, as that fixed IP already has a floating IP on external network ${world.external}.`,
    );
    await world.put(path, associate(port, { fixed_ip_address: '10.0.0.50' }));
    await world.put(`/floatingips/${first.id}`, associate(port, { fixed_ip_address: '10.0.0.51' }));
    for (const { id } of [first, second]) await world.remove(`/floatingips/${id}`);
  });

  test('goes through the subnet’s own gateway when several routers could', async () => {
    const { id: detour } = await world.router({ external_gateway_info: { network_id: world.external } });
    const aside = await world.port(routed.net, { fixed_ips: [{ ip_address: '10.0.0.200' }] });
    await world.interface('add', detour, { port_id: aside });
    const floating = await world.floating({ port_id: routed.port });
    assert.equal(floating.router_id, routed.router);
    await world.remove(`/floatingips/${floating.id}`);
    await world.interface('remove', detour, { port_id: aside });
    await world.remove(`/routers/${detour}`);
  });

  test('an administrator chooses its address; anybody its subnet', async () => {
    const body = { floating_network_id: world.external, floating_ip_address: '172.24.4.99' };
    assert.deepEqual(await world.refused('POST', '/floatingips', { floatingip: body }), [
      403,
      'PolicyNotAuthorized',
    ]);
    const made = await world.api.make('admin@infra', '/floatingips', {
      floatingip: { ...body, tenant_id: 'demo' },
    });
    assert.deepEqual([made.floating_ip_address, made.project_id], ['172.24.4.99', 'demo']);
    const again = await world.api.send('admin@infra', 'POST', '/floatingips', { floatingip: body });
    assert.deepEqual([again.status, again.body.NeutronError.type], [409, 'IpAddressAlreadyAllocated']);
    const onSubnet = await world.floating({ subnet_id: world.externalSubnet, floating_ip_address: null });
    for (const { id } of [made, onSubnet]) await world.remove(`/floatingips/${id}`);
  });

  test('has a name outside with its domain', async () => {
    const made = await world.floating({ dns_name: 'Web', dns_domain: 'Example.org.' });
    assert.deepEqual([made.dns_name, made.dns_domain], ['web', 'example.org.']);
    await world.remove(`/floatingips/${made.id}`);
  });

  test('that cannot be is refused', async () => {
    const make = (given: object, token?: string) =>
      world.refused(
        'POST',
        '/floatingips',
        { floatingip: { floating_network_id: world.external, ...given } },
        token,
      );
    const bad = [400, 'BadRequest'];
    const malformed = [400, 'HTTPBadRequest'];
    assert.deepEqual(await world.refused('POST', '/floatingips', { floatingip: {} }), malformed);
    assert.deepEqual(await make({ floating_network_id: routed.net }), bad);
    assert.deepEqual(await make({ floating_network_id: nobody }), bad);
    assert.deepEqual(await make({ floating_network_id: 'x' }), malformed);
    assert.deepEqual(await make({ port_id: nobody }), [404, 'PortNotFound']);
    assert.deepEqual(await make({ port_id: routed.port }, 'eve'), [404, 'PortNotFound']);
    assert.deepEqual(await make({ port_id: routed.port }, 'reader@demo'), [403, 'PolicyNotAuthorized']);
    assert.deepEqual(await make({ fixed_ip_address: '10.0.0.2' }), bad);
    assert.deepEqual(await make({ port_id: routed.port, fixed_ip_address: '10.0.0.77' }), bad);
    assert.deepEqual(await make({ port_id: routed.port, fixed_ip_address: 'fd00::7' }), bad);
    assert.deepEqual(await make({ port_id: routed.port, fixed_ip_address: 'x' }), malformed);
    assert.deepEqual(await make({ router_id: routed.router }), malformed);
    assert.deepEqual(await make({ dns_name: 'web' }), bad);
    assert.deepEqual(await make({ dns_domain: 'example.org.' }), bad);
    assert.deepEqual(await make({ tenant_id: 'eve' }), [403, 'PolicyNotAuthorized']);
    const far = await world.network('10.9.0.0/24', 'fd09::/64');
    const unreachable = await world.port(far.id, { fixed_ips: [{ subnet_id: far.subnets[0] }] });
    assert.deepEqual(await make({ port_id: unreachable }), [404, 'ExternalGatewayForFloatingIPNotFound']);
    const { body } = await world.api.send('demo', 'POST', '/floatingips', {
      floatingip: { floating_network_id: world.external, port_id: unreachable },
    });
    assert.equal(
      body.NeutronError.message,
      `External network ${world.external} is not reachable from subnet ${far.subnets[0]}.  Therefore, cannot ` +
        `associate Port ${unreachable} with a Floating IP.`,
    );
    const v6 = await world.port(far.id, { fixed_ips: [{ subnet_id: far.subnets[1] }] });
    assert.deepEqual(await make({ port_id: v6 }), bad);
    const subnet = { network_id: world.external, ip_version: 6, cidr: 'fd99::/64' };
    const { id: outside6 } = await world.api.make('admin@infra', '/subnets', { subnet });
    assert.deepEqual(await make({ subnet_id: outside6 }), [400, 'ExternalIpAddressExhausted']);
    assert.deepEqual(await make({ subnet_id: far.subnets[0] }), [400, 'InvalidInput']);
  });

  test('of another project is not there', async () => {
    const { id } = await world.floating();
    for (const [method, body] of [
      ['GET', undefined],
      ['PUT', associate(null)],
      ['DELETE', undefined],
    ] as const) {
      assert.deepEqual(await world.refused(method, `/floatingips/${id}`, body, 'eve'), [
        404,
        'FloatingIPNotFound',
      ]);
    }
    await world.remove(`/floatingips/${id}`);
  });

  test('a port of somebody else on one’s own network gets none', async () => {
    const port = { network_id: routed.net, tenant_id: 'eve' };
    const { id } = await world.api.make('admin@infra', '/ports', { port });
    assert.deepEqual(
      await world.refused('POST', '/floatingips', {
        floatingip: { floating_network_id: world.external, port_id: id },
      }),
      [400, 'BadRequest'],
    );
  });

  test('pools are the subnets of external networks', async () => {
    const pools = await world.get('/floatingip_pools');
    assert.deepEqual(pools, [
      {
        subnet_id: world.externalSubnet,
        subnet_name: '',
        network_id: world.external,
        cidr: '172.24.4.0/24',
        tenant_id: 'demo',
        project_id: 'demo',
      },
    ]);
  });
});

describe('an external network', () => {
  test('runs dry, is counted by quotas, and stays external while it is used', async () => {
    await using world = await RoutedApi.open({ quotas: { floatingip: 3 } });
    const network = { 'router:external': true };
    const { id } = await world.api.make('admin@infra', '/networks', { network });
    const outside = (floatingip: object = {}) => ({ floatingip: { floating_network_id: id, ...floatingip } });
    assert.deepEqual(await world.refused('POST', '/floatingips', outside()), [400, 'BadRequest']);
    const subnet = { network_id: id, ip_version: 4, cidr: '198.51.100.0/30' };
    await world.api.make('admin@infra', '/subnets', { subnet });
    const made = await world.api.make('demo', '/floatingips', outside());
    assert.equal(made.floating_ip_address, '198.51.100.2');
    assert.deepEqual(await world.refused('POST', '/floatingips', outside()), [
      409,
      'IpAddressGenerationFailure',
    ]);
    const inside = { network: { 'router:external': false } };
    assert.deepEqual(await world.refused('PUT', `/networks/${id}`, inside, 'admin@infra'), [
      409,
      'ExternalNetworkInUse',
    ]);
    await world.floating();
    await world.floating();
    assert.deepEqual(
      await world.refused('POST', '/floatingips', { floatingip: { floating_network_id: world.external } }),
      [409, 'OverQuota'],
    );
    const { quota } = (await world.api.send('demo', 'GET', '/quotas/demo/details')).body;
    assert.deepEqual(quota.floatingip, { limit: 3, used: 3, reserved: 0 });
    const deleted = await world.api.send('admin@infra', 'DELETE', `/networks/${id}`);
    assert.equal(deleted.status, 204, 'floating IPs that lead nowhere go with it');
    assert.equal((await world.get('/floatingips')).length, 2);
  });

  test('is kept by floating IPs that lead somewhere', async () => {
    await using world = await RoutedApi.open();
    const { port } = await world.routed();
    await world.floating({ port_id: port });
    assert.deepEqual(await world.refused('DELETE', `/networks/${world.external}`, undefined, 'admin@infra'), [
      409,
      'NetworkInUse',
    ]);
  });
});

describe('forwarded ports', () => {
  let world: RoutedApi;
  let routed: { router: string; subnet: string; port: string; net: string };
  let floating: Json;
  let path: string;
  before(async () => {
    world = await RoutedApi.open();
    routed = await world.routed();
    floating = await world.floating();
    path = `/floatingips/${floating.id}/port_forwardings`;
  });
  after(() => world[Symbol.asyncDispose]());

  const forward = (given: object) => ({
    port_forwarding: {
      protocol: 'tcp',
      internal_port_id: routed.port,
      internal_ip_address: '10.0.0.2',
      ...given,
    },
  });

  test('are made, read back, found, changed and removed', async () => {
    const given = { external_port: 8080, internal_port: 80, description: 'web' };
    const made = await world.api.make('demo', path, forward(given));
    assert.deepEqual(made, {
      id: made.id,
      protocol: 'tcp',
      external_port: 8080,
      external_port_range: '8080:8080',
      internal_port: 80,
      internal_port_range: '80:80',
      internal_ip_address: '10.0.0.2',
      internal_port_id: routed.port,
      description: 'web',
    });
    assert.deepEqual(await world.get(`${path}/${made.id}`), made);
    const shown = await world.get(`/floatingips/${floating.id}`);
    assert.deepEqual([shown.status, shown.router_id, shown.port_id], ['ACTIVE', routed.router, null]);
    const { description: _, ...brief } = made;
    assert.deepEqual(shown.port_forwardings, [brief]);
    const ranges = forward({ external_port_range: '9000:9009', internal_port_range: '9100:9109' });
    const range = await world.api.make('demo', path, ranges);
    assert.deepEqual([range.external_port, range.external_port_range], [null, '9000:9009']);
    const many = forward({ protocol: 'UDP', external_port_range: '9000:9009', internal_port: '53' });
    const toOne = await world.api.make('demo', path, many);
    assert.deepEqual([toOne.protocol, toOne.internal_port], ['udp', 53]);
    const ids = async (query: string) => (await world.get(`${path}?${query}`)).map((one: Json) => one.id);
    assert.deepEqual(await ids(''), [made.id, range.id, toOne.id]);
    assert.deepEqual(await ids('protocol=udp'), [toOne.id]);
    assert.deepEqual(await ids('external_port=8080'), [made.id]);
    assert.deepEqual((await ids(`internal_port_id=${routed.port}`)).length, 3);
    const change = { port_forwarding: { external_port: 8443, internal_port: '443', description: '' } };
    const { port_forwarding: changed } = await world.put(`${path}/${made.id}`, change);
    assert.deepEqual(
      [changed.external_port, changed.internal_port, changed.description, changed.protocol],
      [8443, 443, '', 'tcp'],
    );
    assert.deepEqual(await world.get(`${path}/${made.id}`), changed);
    assert.deepEqual(await world.refused('DELETE', `/floatingips/${floating.id}`), [
      409,
      'FipInUseByPortForwarding',
    ]);
    const remove = `/routers/${routed.router}/remove_router_interface`;
    assert.deepEqual(await world.refused('PUT', remove, { subnet_id: routed.subnet }), [
      409,
      'RouterInterfaceInUseByFloatingIP',
    ]);
    for (const { id } of [made, range, toOne]) await world.remove(`${path}/${id}`);
    const left = await world.get(`/floatingips/${floating.id}`);
    assert.deepEqual([left.status, left.router_id, left.port_forwardings], ['DOWN', null, []]);
    assert.deepEqual(await world.refused('GET', `${path}/${made.id}`), [404, 'PortForwardingNotFound']);
  });

  test('and floating IPs of whole ports exclude each other, on both ends', async () => {
    const { id } = await world.api.make('demo', path, forward({ external_port: 1, internal_port: 1 }));
    const other = await world.port(routed.net);
    assert.deepEqual(
      await world.refused('PUT', `/floatingips/${floating.id}`, { floatingip: { port_id: other } }),
      [409, 'FipInUseByPortForwarding'],
    );
    const floatingip = { floating_network_id: world.external, port_id: routed.port };
    assert.deepEqual(await world.refused('POST', '/floatingips', { floatingip }), [
      400,
      'PortHasPortForwarding',
    ]);
    const whole = await world.floating({ port_id: other });
    const toOther = {
      internal_port_id: other,
      internal_ip_address: null,
      external_port: 2,
      internal_port: 2,
    };
    assert.deepEqual(await world.refused('POST', path, forward(toOther)), [409, 'PortHasBindingFloatingIP']);
    const wholePath = `/floatingips/${whole.id}/port_forwardings`;
    const onWhole = forward({ external_port: 2, internal_port: 2 });
    assert.deepEqual(await world.refused('POST', wholePath, onWhole), [
      409,
      'FloatingIPPortAlreadyAssociated',
    ]);
    const same = { floatingip: { port_id: null, description: 'kept' } };
    const { floatingip: kept } = await world.put(`/floatingips/${floating.id}`, same);
    assert.deepEqual([kept.router_id, kept.port_forwardings.length], [routed.router, 1]);
    await world.remove(`/floatingips/${whole.id}`);
    await world.remove(`${path}/${id}`);
  });

  test('go with the port, or with the address, that they lead to', async () => {
    const port = await world.port(routed.net, {
      fixed_ips: [{ ip_address: '10.0.0.60' }, { ip_address: '10.0.0.61' }],
    });
    const to = (internal_ip_address: string, external_port: number) =>
      forward({ internal_port_id: port, internal_ip_address, external_port, internal_port: 80 });
    await world.api.make('demo', path, to('10.0.0.60', 6000));
    await world.api.make('demo', path, to('10.0.0.61', 6001));
    const less = { port: { fixed_ips: [{ ip_address: '10.0.0.61' }] } };
    await world.put(`/ports/${port}`, less);
    const left: Json[] = await world.get(path);
    assert.deepEqual(
      left.map((one) => one.external_port),
      [6001],
    );
    await world.remove(`/ports/${port}`);
    const shown = await world.get(`/floatingips/${floating.id}`);
    assert.deepEqual([shown.port_forwardings, shown.router_id], [[], null]);
  });

  test('an update that names another port takes its first address', async () => {
    const { id } = await world.api.make('demo', path, forward({ external_port: 1, internal_port: 1 }));
    const other = await world.port(routed.net, { fixed_ips: [{ ip_address: '10.0.0.70' }] });
    const change = { port_forwarding: { internal_port_id: other } };
    const { port_forwarding: moved } = await world.put(`${path}/${id}`, change);
    assert.deepEqual([moved.internal_port_id, moved.internal_ip_address], [other, '10.0.0.70']);
    await world.remove(`${path}/${id}`);
  });

  test('that cannot be are refused', async () => {
    const there = forward({ external_port_range: '5000:5009', internal_port_range: '5000:5009' });
    const { id } = await world.api.make('demo', path, there);
    const make = (given: object, token?: string) => world.refused('POST', path, forward(given), token);
    const ports = (external_port: unknown, internal_port: unknown) => ({ external_port, internal_port });
    const bad = [400, 'BadRequest'];
    const malformed = [400, 'HTTPBadRequest'];
    assert.deepEqual(await make(ports(5005, 80)), bad, 'outside taken');
    assert.deepEqual(await make(ports(80, 5005)), bad, 'inside taken');
    assert.deepEqual(await make({ external_port_range: '1:5', internal_port_range: '1:4' }), bad);
    assert.deepEqual(await make({ external_port: 1, internal_port_range: '1:4' }), bad);
    assert.deepEqual(await make({ ...ports(1, 1), external_port_range: '2:2' }), bad);
    assert.deepEqual(await make({ ...ports(1, 1), internal_ip_address: '10.0.0.99' }), bad);
    assert.deepEqual(await make({ external_port: 1 }), malformed);
    assert.deepEqual(await make({ internal_port: 1 }), malformed);
    assert.deepEqual(await make({ ...ports(1, 1), protocol: undefined }), malformed);
    assert.deepEqual(await make({ ...ports(1, 1), protocol: 'icmp' }), malformed);
    assert.deepEqual(await make({ ...ports(1, 1), zzz: 1 }), malformed);
    assert.deepEqual(await make({ ...ports(1, 1), internal_ip_address: 'x' }), malformed);
    for (const range of ['0:1', '2:1', '1:65536', 'x', '1:2:3', '']) {
      const given = { external_port_range: range, internal_port: 1 };
      assert.deepEqual(await make(given), malformed, range);
    }
    assert.deepEqual(await make({ ...ports(1, 1), internal_port_id: nobody }), [404, 'PortNotFound']);
    assert.deepEqual(await make(ports(1, 1), 'eve'), [404, 'FloatingIPNotFound']);
    assert.deepEqual(await make(ports(1, 1), 'reader@demo'), [403, 'PolicyNotAuthorized']);
    const v6 = await world.network('fd07::/64');
    const onlyV6 = { internal_port_id: await world.port(v6.id), internal_ip_address: null };
    assert.deepEqual(await make({ ...ports(1, 1), ...onlyV6 }), bad);
    const far = await world.network('10.7.0.0/24');
    const unreachable = { internal_port_id: await world.port(far.id), internal_ip_address: '10.7.0.2' };
    assert.deepEqual(await make({ ...ports(1, 1), ...unreachable }), bad);
    const change = (given: object) => world.refused('PUT', `${path}/${id}`, { port_forwarding: given });
    assert.deepEqual(await change({ internal_ip_address: '10.0.0.99' }), bad);
    assert.deepEqual(await change({ internal_port_range: '1:2' }), bad);
    assert.deepEqual(await change({ id: nobody }), malformed);
    const missing = `${path}/${nobody}`;
    assert.deepEqual(await world.refused('DELETE', missing), [404, 'PortForwardingNotFound']);
    const { id: elsewhere } = await world.floating();
    assert.deepEqual(await world.refused('GET', `/floatingips/${elsewhere}/port_forwardings/${id}`), [
      404,
      'PortForwardingNotFound',
    ]);
  });

  test('all of one floating IP lead through one router', async () => {
    const second = await world.routed('10.8.0.0/24');
    const given = {
      internal_port_id: second.port,
      internal_ip_address: '10.8.0.2',
      external_port: 7,
      internal_port: 7,
    };
    const { body } = await world.api.send('demo', 'POST', path, forward(given));
    assert.equal(
      body.NeutronError.message,
      `Bad port_forwarding request: The Floating IP ${floating.id} had been set on router ${routed.router}, the ` +
        `internal Neutron port ${second.port} can not reach it.`,
    );
  });
});
