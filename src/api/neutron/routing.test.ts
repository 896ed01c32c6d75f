/** Routers, their gateways, interfaces and static routes, as clients work with them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Json, RoutedApi } from '../../../test/helpers/routed-api.ts';

const nobody = '00000000-0000-4000-8000-000000000000';

const gatewayTo = (network_id: string) => ({ router: { external_gateway_info: { network_id } } });

describe('a router', () => {
  let world: RoutedApi;
  before(async () => {
    world = await RoutedApi.open();
  });
  after(() => world[Symbol.asyncDispose]());

  test('is made, read back as made, changed and deleted', async () => {
    const given = {
      name: 'r',
      description: 'd',
      admin_state_up: false,
      availability_zone_hints: ['nova'],
      external_gateway_info: { network_id: world.external },
    };
    const made = await world.router(given);
    const { external_fixed_ips, ...gateway } = made.external_gateway_info;
    assert.deepEqual({ ...made, ...given, external_gateway_info: made.external_gateway_info }, made);
    assert.deepEqual(gateway, { network_id: world.external, enable_snat: true });
    assert.equal(external_fixed_ips.length, 1);
    assert.match(external_fixed_ips[0].ip_address, /^172\.24\.4\./);
    assert.deepEqual(
      [made.status, made.flavor_id, made.routes, made.availability_zones, made.revision_number],
      ['ACTIVE', null, [], ['nova'], 1],
    );
    assert.deepEqual([made.distributed, made.ha], [undefined, undefined]);
    const path = `/routers/${made.id}`;
    assert.deepEqual(await world.get(path), made);
    const { router } = await world.put(path, { router: { name: 'q', admin_state_up: 'true' } });
    assert.deepEqual([router.name, router.admin_state_up, router.revision_number], ['q', true, 2]);
    assert.deepEqual(router.external_gateway_info, made.external_gateway_info);
    const late = await world.api.send(
      'demo',
      'PUT',
      path,
      { router: {} },
      { 'if-match': 'revision_number=1' },
    );
    assert.equal(late.status, 412);
    await world.put(`${path}/tags`, { tags: ['t'] });
    assert.equal((await world.get('/routers?tags=t&name=q')).length, 1);
    const seen = (await world.api.send('admin@infra', 'GET', path)).body.router;
    assert.deepEqual([seen.distributed, seen.ha], [true, false]);
    await world.remove(path);
    assert.deepEqual(await world.refused('GET', path), [404, 'RouterNotFound']);
    const { ports } = (await world.api.send('admin@infra', 'GET', '/ports')).body;
    assert.deepEqual(ports, [], 'its gateway’s port went with it');
  });

  test('its gateway is set, kept, cleared by {} and by null', async () => {
    const { id } = await world.router();
    const path = `/routers/${id}`;
    const set = (await world.put(path, gatewayTo(world.external))).router.external_gateway_info;
    const again = (await world.put(path, gatewayTo(world.external))).router.external_gateway_info;
    assert.deepEqual(again, set);
    for (const nothing of [{}, null]) {
      const { router } = await world.put(path, { router: { external_gateway_info: nothing } });
      assert.equal(router.external_gateway_info, null);
      await world.put(path, gatewayTo(world.external));
    }
    await world.remove(path);
  });

  test('an administrator chooses its addresses and whether they translate', async () => {
    const { id } = await world.router(gatewayTo(world.external).router);
    const put = async (info: object) => {
      const body = { router: { external_gateway_info: { network_id: world.external, ...info } } };
      return (await world.api.send('admin@infra', 'PUT', `/routers/${id}`, body)).body;
    };
    const fixed = [{ subnet_id: world.externalSubnet, ip_address: '172.24.4.77' }];
    const info = (await put({ enable_snat: false, external_fixed_ips: fixed })).router.external_gateway_info;
    assert.deepEqual(info, {
      network_id: world.external,
      enable_snat: false,
      external_fixed_ips: fixed,
    });
    const back = (await put({})).router.external_gateway_info;
    assert.deepEqual(back, { network_id: world.external, enable_snat: true, external_fixed_ips: fixed });
    const own = await put({ external_fixed_ips: [{ ip_address: '172.24.4.1' }] });
    assert.deepEqual(
      [own.NeutronError.type, own.NeutronError.message],
      ['BadRequest', 'Bad router request: External IP 172.24.4.1 is the same as the gateway IP.'],
    );
    const body = { router: { external_gateway_info: { network_id: world.external, enable_snat: true } } };
    const { NeutronError } = (await world.api.send('demo', 'PUT', `/routers/${id}`, body)).body;
    assert.equal(
      NeutronError.message,
      '(rule:update_router and (rule:update_router:external_gateway_info and ' +
        '(rule:update_router:external_gateway_info:network_id and ' +
        'rule:update_router:external_gateway_info:enable_snat))) is disallowed by policy',
    );
    await world.remove(`/routers/${id}`);
  });

  test('takes an address of each IP version that is outside', async () => {
    await using own = await RoutedApi.open();
    const subnet = { network_id: own.external, ip_version: 6, cidr: '2001:db8::/64' };
    await own.api.make('admin@infra', '/subnets', { subnet });
    const { external_gateway_info } = await own.router(gatewayTo(own.external).router);
    const addresses: string[] = external_gateway_info.external_fixed_ips.map((ip: Json) => ip.ip_address);
    assert.deepEqual(
      addresses.map((address) => address.includes(':')),
      [false, true],
    );
    const floating = await own.floating();
    assert.match(floating.floating_ip_address, /^172\.24\.4\./);
  });

  test('connects subnets: those of IPv6 on one port', async () => {
    const { id: net, subnets } = await world.network('10.1.0.0/24', 'fd01::/64', 'fd02::/64');
    const [v4, v6, w6] = subnets;
    const { id } = await world.router({});
    const first = await world.interface('add', id, { subnet_id: v4 });
    assert.deepEqual(first, {
      id,
      tenant_id: 'demo',
      project_id: 'demo',
      port_id: first.port_id,
      network_id: net,
      subnet_id: v4,
      subnet_ids: [v4],
    });
    const second = await world.interface('add', id, { subnet_id: v6 });
    const third = await world.interface('add', id, { subnet_id: w6 });
    assert.notEqual(second.port_id, first.port_id);
    assert.equal(third.port_id, second.port_id);
    const port = await world.get(`/ports/${second.port_id}`);
    assert.deepEqual(
      port.fixed_ips.map((ip: Json) => ip.ip_address),
      ['fd01::1', 'fd02::1'],
    );
    assert.deepEqual(
      [port.device_owner, port.device_id, port.status, port.security_groups],
      ['network:router_interface', id, 'ACTIVE', []],
    );
    assert.equal((await world.interface('remove', id, { subnet_id: v6 })).port_id, second.port_id);
    assert.equal((await world.get(`/ports/${second.port_id}`)).fixed_ips.length, 1);
    assert.deepEqual(await world.refused('DELETE', `/routers/${id}`), [409, 'RouterInUse']);
    assert.deepEqual(await world.refused('DELETE', `/subnets/${w6}`), [409, 'SubnetInUse']);
    const gateway = { subnet: { gateway_ip: '10.1.0.9' } };
    assert.deepEqual(await world.refused('PUT', `/subnets/${v4}`, gateway), [409, 'GatewayIpInUse']);
    assert.deepEqual(await world.refused('DELETE', `/networks/${net}`), [409, 'NetworkInUse']);
    assert.deepEqual(await world.refused('DELETE', `/ports/${first.port_id}`), [409, 'ServicePortInUse']);
    const gone = await world.interface('remove', id, { port_id: second.port_id });
    assert.deepEqual(gone.subnet_ids, [w6]);
    assert.deepEqual(await world.refused('GET', `/ports/${second.port_id}`), [404, 'PortNotFound']);
    await world.interface('remove', id, { subnet_id: v4, port_id: first.port_id });
    await world.remove(`/routers/${id}`);
    await world.remove(`/networks/${net}`);
  });

  test('takes a port of the tenant’s, and it goes with the interface', async () => {
    const { id: net, subnets } = await world.network('10.2.0.0/24');
    const port = await world.port(net, { fixed_ips: [{ ip_address: '10.2.0.200' }] });
    const { id } = await world.router();
    const added = await world.interface('add', id, { port_id: port });
    assert.deepEqual([added.port_id, added.subnet_ids], [port, subnets]);
    const shown = await world.get(`/ports/${port}`);
    assert.deepEqual([shown.device_id, shown.fixed_ips[0].ip_address], [id, '10.2.0.200']);
    await world.interface('remove', id, { port_id: port });
    assert.deepEqual(await world.refused('GET', `/ports/${port}`), [404, 'PortNotFound']);
  });

  test('an interface that cannot be is refused', async () => {
    const { id: net, subnets } = await world.network('10.3.0.0/24');
    const [subnet = ''] = subnets;
    const { id } = await world.router();
    const add = (body: object, token?: string) =>
      world.refused('PUT', `/routers/${id}/add_router_interface`, body, token);
    const remove = (body: object) => world.refused('PUT', `/routers/${id}/remove_router_interface`, body);
    await world.interface('add', id, { subnet_id: subnet });
    assert.deepEqual(await add({ subnet_id: subnet }), [400, 'BadRequest']);
    assert.deepEqual(await add({}), [400, 'BadRequest']);
    assert.deepEqual(await add({ subnet_id: 'x' }), [400, 'BadRequest']);
    assert.deepEqual(await add({ subnet_id: nobody }), [404, 'SubnetNotFound']);
    assert.deepEqual(await add({ port_id: nobody }), [404, 'PortNotFound']);
    assert.deepEqual(await add({ subnet_id: subnet, port_id: nobody }), [400, 'BadRequest']);
    assert.deepEqual(await add({ subnet_id: subnet }, 'eve'), [404, 'RouterNotFound']);
    assert.deepEqual(await add({ subnet_id: subnet }, 'reader@demo'), [403, 'PolicyNotAuthorized']);
    const other = await world.network('10.3.0.128/25');
    assert.deepEqual(await add({ subnet_id: other.subnets[0] }), [400, 'BadRequest']);
    const closed = await world.subnet(net, { cidr: '10.4.0.0/24', gateway_ip: null });
    assert.deepEqual(await add({ subnet_id: closed }), [400, 'BadRequest']);
    const foreign = await world.subnet(net, { cidr: 'fd04::/64', ipv6_address_mode: 'slaac' });
    assert.deepEqual(await add({ subnet_id: foreign }), [400, 'BadRequest']);
    const used = await world.port(net, {
      device_id: 'x',
      fixed_ips: [{ subnet_id: subnet }],
    });
    assert.deepEqual(await add({ port_id: used }), [409, 'PortInUse']);
    const bare = await world.port((await world.network()).id);
    assert.deepEqual(await add({ port_id: bare }), [400, 'BadRequest']);
    const twice = await world.port(net, { fixed_ips: [{ subnet_id: closed }, { subnet_id: closed }] });
    assert.deepEqual(await add({ port_id: twice }), [400, 'BadRequest']);
    assert.deepEqual(await remove({ subnet_id: closed }), [404, 'RouterInterfaceNotFoundForSubnet']);
    assert.deepEqual(await remove({ port_id: used }), [404, 'RouterInterfaceNotFound']);
    assert.deepEqual(await remove({}), [400, 'BadRequest']);
    const [leg] = await world.get(`/ports?device_id=${id}`);
    assert.deepEqual(await remove({ port_id: leg.id, subnet_id: closed }), [400, 'SubnetMismatchForPort']);
    const moved = { port: { fixed_ips: [{ ip_address: '10.3.0.9' }] } };
    assert.deepEqual(await world.refused('PUT', `/ports/${leg.id}`, moved), [409, 'ServicePortInUse']);
  });

  test('does not take the gateway’s address of somebody else’s shared network, but a port there', async () => {
    const { api } = world;
    const { id: net } = await api.make('admin@infra', '/networks', { network: { shared: true } });
    const { id: subnet } = await api.make('admin@infra', '/subnets', {
      subnet: { network_id: net, ip_version: 4, cidr: '10.5.0.0/24' },
    });
    const { id } = await world.router();
    const path = `/routers/${id}/add_router_interface`;
    assert.deepEqual(await world.refused('PUT', path, { subnet_id: subnet }), [400, 'BadRequest']);
    const port = await world.port(net);
    await world.interface('add', id, { port_id: port });
    await world.interface('remove', id, { subnet_id: subnet });
    await world.remove(`/routers/${id}`);
  });

  test('a gateway that cannot be is refused', async () => {
    const { id: net, subnets } = await world.network('172.24.0.0/16');
    const { id } = await world.router();
    const set = (info: unknown) =>
      world.refused('PUT', `/routers/${id}`, { router: { external_gateway_info: info } });
    assert.deepEqual(await set({ network_id: net }), [400, 'BadRequest']);
    assert.deepEqual(await set({ network_id: nobody }), [404, 'NetworkNotFound']);
    assert.deepEqual(await set({ network_id: 'x' }), [400, 'HTTPBadRequest']);
    assert.deepEqual(await set({ enable_snat: true }), [400, 'HTTPBadRequest']);
    assert.deepEqual(await set({ network_id: net, zzz: 1 }), [400, 'HTTPBadRequest']);
    assert.deepEqual(await set('x'), [400, 'HTTPBadRequest']);
    await world.interface('add', id, { subnet_id: subnets[0] });
    assert.deepEqual(await set({ network_id: world.external }), [400, 'BadRequest']);
    for (const router of [
      { availability_zone_hints: ['moon'] },
      { routes: [] },
      { flavor_id: 'f' },
      { distributed: 'no' },
    ]) {
      const [status] = await world.refused('POST', '/routers', { router });
      assert.ok([400, 404].includes(status), JSON.stringify(router));
    }
    assert.deepEqual(await world.refused('POST', '/routers', { router: { ha: false } }), [
      403,
      'PolicyNotAuthorized',
    ]);
    assert.deepEqual(await world.refused('POST', '/routers', { router: { tenant_id: 'eve' } }), [
      403,
      'PolicyNotAuthorized',
    ]);
  });
});

describe('static routes', () => {
  let world: RoutedApi;
  let router: string;
  let subnet: string;
  before(async () => {
    world = await RoutedApi.open();
    ({ router, subnet } = await world.routed());
  });
  after(() => world[Symbol.asyncDispose]());

  const route = (destination: string, nexthop: string) => ({ destination, nexthop });
  const set = (routes: unknown) => ({ router: { routes } });

  test('are set, read back in their order, added and removed one by one', async () => {
    const [a, b, c] = [
      route('10.88.0.0/24', '10.0.0.12'),
      route('10.66.0.0/24', '10.0.0.12'),
      route('10.88.0.0/24', '172.24.4.9'),
    ];
    const path = `/routers/${router}`;
    assert.deepEqual((await world.put(path, set([a, b]))).router.routes, [a, b]);
    assert.deepEqual((await world.put(`${path}/add_extraroutes`, set([b, c, c]))).router.routes, [a, b, c]);
    assert.deepEqual((await world.put(`${path}/remove_extraroutes`, set([a, c]))).router.routes, [b]);
    assert.deepEqual((await world.put(`${path}/remove_extraroutes`, set([a]))).router.routes, [b]);
    assert.deepEqual((await world.get(path)).routes, [b]);
    const remove = `${path}/remove_router_interface`;
    assert.deepEqual(await world.refused('PUT', remove, { subnet_id: subnet }), [
      409,
      'RouterInterfaceInUseByRoute',
    ]);
    assert.deepEqual((await world.put(path, set([]))).router.routes, []);
  });

  test('that cannot be are refused', async () => {
    const refused = (routes: unknown, action = '') =>
      world.refused('PUT', `/routers/${router}${action}`, set(routes));
    const invalid = [400, 'InvalidRoutes'];
    const malformed = [400, 'HTTPBadRequest'];
    assert.deepEqual(await refused([route('10.88.0.0/24', '10.9.0.1')]), invalid);
    assert.deepEqual(await refused([route('10.88.0.0/24', '10.0.0.1')]), invalid);
    assert.deepEqual(await refused([route('fd88::/64', '10.0.0.9')]), invalid);
    assert.deepEqual(await refused([route('10.88.0.0/24', '10.9.0.1')], '/add_extraroutes'), invalid);
    assert.deepEqual(await refused([route('10.88.0.5/24', '10.0.0.9')]), malformed);
    assert.deepEqual(await refused([route('10.88.0.0', '10.0.0.9')]), malformed);
    assert.deepEqual(await refused([route('x/1', '10.0.0.9')]), malformed);
    assert.deepEqual(await refused([route('10.88.0.0/24', 'x')]), malformed);
    assert.deepEqual(await refused('x'), malformed);
    assert.deepEqual(await refused([{ destination: '10.88.0.0/24' }]), malformed);
    const twice = route('10.88.0.0/24', '10.0.0.9');
    assert.deepEqual(await refused([twice, twice]), malformed);
    const many = Array.from({ length: 31 }, (_, index) => route(`10.77.${index}.0/24`, '10.0.0.9'));
    assert.deepEqual(await refused(many), [400, 'RoutesExhausted']);
    const path = `/routers/${router}/add_extraroutes`;
    assert.deepEqual(await world.refused('PUT', path, set([twice]), 'eve'), [404, 'RouterNotFound']);
    assert.deepEqual(await world.refused('PUT', path, set([twice]), 'reader@demo'), [
      403,
      'PolicyNotAuthorized',
    ]);
    const { body } = await world.api.send('demo', 'PUT', path, set([route('10.88.0.0/24', '10.0.0.1')]));
    assert.equal(
      body.NeutronError.message,
      "Invalid format for routes: [{'destination': '10.88.0.0/24', 'nexthop': '10.0.0.1'}], " +
        'the nexthop is used by router',
    );
  });
});
