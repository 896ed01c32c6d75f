/** network_attach, network_detach, network_list and the security-group verbs over HTTP: versions, parameters, statuses. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';

let api: ZunApi;
let uuid: string;

before(async () => {
  api = await createZunApi();
  const { body } = await api.ask('POST', '/v1/containers?run=true', {
    body: { name: 'web', image: 'busybox', nets: [{ network: 'a' }] },
  });
  uuid = body.uuid;
  await api.world.until('Running', async () => (await show()).status === 'Running');
});
after(() => api.close());

const show = async () => (await api.ask('GET', `/v1/containers/${uuid}`)).body;
const verb = (path: string, version = '1.41', body?: unknown) =>
  api.ask('POST', `/v1/containers/web/${path}`, { version, ...(body === undefined ? {} : { body }) });
const listed = async (version = '1.40') =>
  (await api.ask('GET', '/v1/containers/web/network_list', { version })).body.networks;
const until = (what: string, probe: () => Promise<boolean>) => api.world.until(what, probe);

test('attach by query and by body answers 200 null, detach 202 null, and the list tells', async () => {
  const attached = await verb('network_attach?network=b&fixed_ip=10.0.7.7', '1.8');
  assert.deepEqual([attached.status, attached.body], [200, null]);
  await until('attached', async () => (await listed()).length === 2);
  const second = (await listed())[1];
  assert.deepEqual(second.fixed_ips, [{ subnet_id: 'sub', version: 4, ip_address: '10.0.7.7' }]);
  assert.deepEqual((await listed('1.17'))[1], {
    net_id: 'net-b',
    port_id: second.port_id,
    subnet_id: 'sub',
    version: 4,
    ip_address: '10.0.7.7',
  });
  const shown = (await show()).addresses['net-b'][0];
  assert.deepEqual([shown.addr, shown.port], ['10.0.7.7', second.port_id]);
  const detached = await verb(`network_detach?port=${second.port_id}`, '1.17');
  assert.deepEqual([detached.status, detached.body], [202, null]);
  await until('detached', async () => (await listed()).length === 1);
  assert.equal((await verb('network_attach', '1.40', { network: 'c' })).status, 200);
  await until('attached by body', async () => (await listed()).length === 2);
  assert.equal((await verb('network_detach?network=c')).status, 202);
  await until('detached again', async () => (await listed()).length === 1);
});

const refused: readonly (readonly [path: string, version: string, status: number, code: string])[] = [
  ['network_attach?network=b', '1.7', 406, ''],
  ['network_detach?network=a', '1.5', 406, ''],
  ['network_attach?network=b&port=p', '1.40', 400, 'schema-validation-error'],
  ['network_attach?network=b&fixed_ip=10.0.0.300', '1.40', 400, 'schema-validation-error'],
  ['network_attach?net=b', '1.40', 400, 'schema-validation-error'],
  ['network_attach?network=b&default_gateway=true', '1.40', 400, 'schema-validation-error'],
  ['network_attach?network=b&default_gateway=perhaps', '1.41', 400, 'schema-validation-error'],
  ['network_attach?network=missing', '1.40', 404, 'network-not-found'],
  ['network_attach?network=public', '1.40', 403, 'external-network-attach-forbidden'],
  ['network_attach?network=a', '1.40', 400, 'invalid'],
  ['network_detach', '1.40', 400, 'schema-validation-error'],
  ['network_detach?network=a&port=p', '1.40', 400, 'schema-validation-error'],
  ['network_detach?network=b', '1.40', 400, 'invalid'],
  ['network_detach?port=p', '1.40', 400, 'invalid'],
  ['default_gateway?network=a', '1.40', 406, ''],
  ['default_gateway', '1.41', 400, 'schema-validation-error'],
  ['default_gateway?network=b', '1.41', 400, 'invalid'],
  ['add_security_group?name=web', '1.15', 406, ''],
  ['add_security_group?name=web', '1.40', 406, ''],
  ['remove_security_group?name=web', '1.40', 406, ''],
  ['add_security_group', '1.14', 400, 'schema-validation-error'],
  ['add_security_group?name=no-such', '1.14', 400, 'invalid'],
  ['remove_security_group?name=web', '1.41', 400, 'invalid-value'],
];
for (const [path, version, status, code] of refused) {
  test(`${path} at ${version} is ${status} ${code}`, async () => {
    const before = await show();
    const answer = await verb(path, version);
    assert.deepEqual([answer.status, answer.body.errors?.[0].code], [status, `container.${code}`]);
    assert.deepEqual((await show()).addresses, before.addresses);
  });
}

test('from 1.41 the default gateway is chosen and listed', async () => {
  assert.deepEqual(
    (await listed('1.41')).map((each: { default_gateway: boolean }) => each.default_gateway),
    [false],
  );
  const { status, body } = await verb('default_gateway?network=a');
  assert.deepEqual([status, body], [202, null]);
  assert.equal((await listed('1.41'))[0].default_gateway, true);
  assert.ok(!('default_gateway' in (await listed('1.40'))[0]));
});

test('security groups are added and removed up to 1.14 and from 1.41', async () => {
  for (const version of ['1.1', '1.14', '1.41']) {
    const added = await verb('add_security_group?name=web', version);
    assert.deepEqual([added.status, added.body], [202, null]);
    await until('added', async () => (await show()).security_groups.includes('sg-web'));
    assert.equal((await verb('add_security_group?name=web', version)).status, 400);
    assert.equal((await verb('remove_security_group', version, { name: 'web' })).status, 202);
    await until('removed', async () => !(await show()).security_groups.includes('sg-web'));
  }
});

test('from 1.41 a create gives both addresses of a port and one default gateway; before, the first address counts', async () => {
  const both = { network: 'a', 'v4-fixed-ip': '10.0.3.3', 'v6-fixed-ip': 'fd00::3' };
  const make = (version: string, ...nets: object[]) =>
    api.ask('POST', '/v1/containers', { version, body: { image: 'busybox', nets } });
  const addressesOf = async (version: string, ...nets: object[]) => {
    const { status, body } = await make(version, ...nets);
    assert.equal(status, 202, JSON.stringify(body));
    return api.world.until('its addresses', async () => {
      const { addresses } = (await api.ask('GET', `/v1/containers/${body.uuid}`)).body;
      const all = Object.values(addresses).flat() as { addr: string }[];
      return all.length > 0 && all.map(({ addr }) => addr);
    });
  };
  assert.deepEqual(await addressesOf('1.41', both), ['10.0.3.3', 'fd00::3']);
  assert.deepEqual(await addressesOf('1.40', both), ['10.0.3.3']);
  const gateway = { default_gateway: true };
  assert.equal((await make('1.40', { network: 'a', ...gateway })).status, 400);
  assert.equal((await make('1.41', { network: 'a' }, { network: 'b', ...gateway })).status, 202);
  const twice = await make('1.41', { network: 'a', ...gateway }, { network: 'b', ...gateway });
  assert.match(twice.body.errors[0].title, /only one of them can be the default gateway/);
});

test('from 1.41 addresses have the floating ones, as Nova shows them; lists follow at once; before, nothing of it', async () => {
  const at = async (version: string) => {
    const one = (await api.ask('GET', `/v1/containers/${uuid}`, { version })).body;
    const all = (await api.ask('GET', '/v1/containers', { version })).body.containers;
    const listed = all.find((each: { uuid: string }) => each.uuid === uuid);
    assert.deepEqual(listed.addresses, one.addresses, version);
    return one.addresses['net-a'];
  };
  const [zuns] = await at('1.40');
  const fixed = { ...zuns, 'OS-EXT-IPS:type': 'fixed' };
  assert.deepEqual(await at('1.41'), [fixed]);
  const floating = (address: string) => [{ id: 'f', address, fixedAddress: zuns.addr }];
  for (const address of ['203.0.113.5', '203.0.113.6']) {
    api.world.networking.outside.set(zuns.port, floating(address));
    assert.deepEqual(await at('1.41'), [
      fixed,
      {
        addr: address,
        version: 4,
        port: zuns.port,
        subnet_id: null,
        preserve_on_delete: true,
        'OS-EXT-IPS:type': 'floating',
        floating_ip_id: 'f',
        fixed_addr: zuns.addr,
      },
    ]);
    assert.deepEqual(await at('1.40'), [zuns]);
  }
  api.world.networking.outside.clear();
  assert.deepEqual(await at('1.41'), [fixed]);
});

test('a list asks for floating IPs once, however long it is', async () => {
  const { calls } = api.world.networking;
  const asked = () => calls.filter((call) => call === 'outsideAddresses').length;
  const before = asked();
  await api.ask('GET', '/v1/containers', { version: '1.40' });
  assert.equal(asked(), before);
  await api.ask('GET', '/v1/containers', { version: '1.41' });
  assert.equal(asked(), before + 1);
});
