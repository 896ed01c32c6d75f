/** The network API with an external network, and requests about routers and floating IPs in a line each. */
import assert from 'node:assert/strict';
import { createNeutronApi, type NeutronApi } from './neutron-api.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export type Json = any;

/** The API with an external network `172.24.4.0/24` and ways to say what happens in a line. */
export class RoutedApi {
  readonly api: NeutronApi;
  external = '';
  externalSubnet = '';

  constructor(api: NeutronApi) {
    this.api = api;
  }

  static async open(settings: Record<string, unknown> = {}): Promise<RoutedApi> {
    const world = new RoutedApi(await createNeutronApi(settings));
    const network = { name: 'public', 'router:external': true };
    world.external = (await world.api.make('admin@infra', '/networks', { network })).id;
    const subnet = { network_id: world.external, ip_version: 4, cidr: '172.24.4.0/24' };
    world.externalSubnet = (await world.api.make('admin@infra', '/subnets', { subnet })).id;
    return world;
  }

  /** A network with subnets; the ids of all. */
  async network(...cidrs: string[]): Promise<{ id: string; subnets: string[] }> {
    const { id } = await this.api.make('demo', '/networks', { network: {} });
    const subnets: string[] = [];
    for (const cidr of cidrs) subnets.push(await this.subnet(id, { cidr }));
    return { id, subnets };
  }

  async subnet(
    network_id: string,
    given: { readonly cidr: string; readonly [key: string]: unknown },
  ): Promise<string> {
    const subnet = { network_id, ip_version: given.cidr.includes(':') ? 6 : 4, ...given };
    return (await this.api.make('demo', '/subnets', { subnet })).id;
  }

  router(given: object = {}): Promise<Json> {
    return this.api.make('demo', '/routers', { router: given });
  }

  /** A router between a new network `10.0.0.0/24` (or another) and the outside, with a port behind it. */
  async routed(cidr = '10.0.0.0/24'): Promise<{ router: string; subnet: string; port: string; net: string }> {
    const { id: net, subnets } = await this.network(cidr);
    const subnet = subnets[0] ?? '';
    const { id: router } = await this.router({ external_gateway_info: { network_id: this.external } });
    await this.interface('add', router, { subnet_id: subnet });
    const port = await this.port(net);
    return { router, subnet, port, net };
  }

  async port(network_id: string, given: object = {}): Promise<string> {
    return (await this.api.make('demo', '/ports', { port: { network_id, ...given } })).id;
  }

  async interface(what: 'add' | 'remove', router: string, body: object): Promise<Json> {
    return this.put(`/routers/${router}/${what}_router_interface`, body);
  }

  floating(given: object = {}): Promise<Json> {
    const floatingip = { floating_network_id: this.external, ...given };
    return this.api.make('demo', '/floatingips', { floatingip });
  }

  async get(path: string): Promise<Json> {
    return Object.values((await this.api.send('demo', 'GET', path)).body)[0];
  }

  async put(path: string, body: object): Promise<Json> {
    const answer = await this.api.send('demo', 'PUT', path, body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  }

  async remove(path: string): Promise<void> {
    const answer = await this.api.send('demo', 'DELETE', path);
    assert.equal(answer.status, 204, JSON.stringify(answer.body));
  }

  /** Status and type of a refusal; what is there afterwards is what was there before. */
  async refused(method: string, path: string, body?: object, token = 'demo'): Promise<[number, string]> {
    const before = await this.everything();
    const answer = await this.api.send(token, method, path, body);
    assert.ok(answer.status >= 400, `${method} ${path} was accepted: ${JSON.stringify(answer.body)}`);
    assert.deepEqual(await this.everything(), before, 'a refusal changes nothing');
    assert.ok(answer.body.NeutronError.message);
    return [answer.status, answer.body.NeutronError.type];
  }

  async everything(): Promise<Json> {
    const all: Record<string, Json> = {};
    for (const path of ['networks', 'subnets', 'ports', 'routers', 'floatingips']) {
      all[path] = (await this.api.send('admin@infra', 'GET', `/${path}`)).body;
    }
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api[Symbol.asyncDispose]();
  }
}
