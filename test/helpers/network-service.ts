/**
 * A network service in memory: a small working model of networks, subnets and ports with their tags, addresses and
 * refusals, for tests of whoever talks to one.
 */
import { randomUUID } from 'node:crypto';
import { Failure, type FailureCode } from '../../src/model/failure.ts';
import type {
  JsonObject,
  ListQuery,
  NetworkResource,
  NetworkService,
  ResourceViews,
} from '../../src/wire/network-service.ts';

type Row = { id: string; tags: string[] } & Record<string, unknown>;
interface FixedIp {
  subnet_id: string;
  ip_address: string;
}

const notFound: Record<NetworkResource, FailureCode> = {
  networks: 'network-not-found',
  subnets: 'subnet-not-found',
  ports: 'port-not-found',
  'security-groups': 'security-group-not-found',
  'security-group-rules': 'security-group-rule-not-found',
  subnetpools: 'subnet-pool-not-found',
  floatingips: 'floating-ip-not-found',
};

export class FakeNetworkService implements NetworkService {
  readonly #rows = new Map<NetworkResource, Map<string, Row>>();
  #lastMac = 0;
  /** Every call, as `create ports`. */
  readonly calls: string[] = [];
  /** Floating IP → its port forwardings. */
  readonly forwardings = new Map<string, JsonObject[]>();
  /** Called before each call; may throw or wait. */
  before: (call: string) => Promise<void> | void = () => undefined;

  async list<R extends NetworkResource>(resource: R, query: ListQuery): Promise<ResourceViews[R][]> {
    await this.#called('list', resource);
    const found = [...this.#table(resource).values()].filter((row) => fits(row, query));
    return structuredClone(found) as unknown as ResourceViews[R][];
  }

  async get<R extends NetworkResource>(resource: R, id: string): Promise<ResourceViews[R]> {
    await this.#called('get', resource);
    return this.#view(resource, this.#row(resource, id));
  }

  async create<R extends NetworkResource>(resource: R, body: JsonObject): Promise<ResourceViews[R]> {
    await this.#called('create', resource);
    const row: Row = { name: '', ...structuredClone(body), id: randomUUID(), tags: [] };
    if (resource === 'networks') Object.assign(row, { mtu: 1450, shared: false, ...row });
    if (resource === 'subnetpools') this.#completePool(row);
    if (resource === 'subnets') this.#completeSubnet(row);
    if (resource === 'floatingips') Object.assign(row, { floating_ip_address: '192.0.2.1' });
    if (resource === 'ports') this.#completePort(row);
    this.#table(resource).set(row.id, row);
    return this.#view(resource, row);
  }

  async update<R extends NetworkResource>(
    resource: R,
    id: string,
    body: JsonObject,
  ): Promise<ResourceViews[R]> {
    await this.#called('update', resource);
    const row = this.#row(resource, id);
    const wanted = structuredClone(body) as Record<string, unknown>;
    if (resource === 'ports' && wanted.fixed_ips) {
      wanted.fixed_ips = this.#addresses(wanted.fixed_ips as FixedIp[], id);
    }
    // Taken into use: bound to the host that says so.
    if (resource === 'ports' && wanted.device_id) Object.assign(row, { 'binding:host_id': 'here' });
    Object.assign(row, wanted);
    return this.#view(resource, row);
  }

  async remove(resource: NetworkResource, id: string): Promise<void> {
    await this.#called('remove', resource);
    const ports = [...this.#table('ports').values()];
    if (resource === 'networks') {
      if (ports.some((port) => port.network_id === id)) {
        throw new Failure('network-in-use', `network ${id} is in use`);
      }
      for (const subnet of this.#table('subnets').values()) {
        if (subnet.network_id === id) this.#table('subnets').delete(subnet.id);
      }
    }
    if (resource === 'subnets' && ports.some((port) => ipsOf(port).some((ip) => ip.subnet_id === id))) {
      throw new Failure('subnet-in-use', `subnet ${id} is in use`);
    }
    if (resource === 'subnetpools' && this.#subnetsOf(id).length > 0) {
      throw new Failure('subnet-pool-in-use', `subnet pool ${id} has subnets`);
    }
    const isUsed = (port: Row) => ((port.security_groups ?? []) as string[]).includes(id);
    if (resource === 'security-groups' && ports.some(isUsed)) {
      throw new Failure('security-group-in-use', `security group ${id} is in use`);
    }
    if (resource === 'floatingips' && this.forwardings.get(id)?.length) {
      throw new Failure('floating-ip-in-use', `floating IP ${id} has forwardings`);
    }
    if (resource === 'security-groups') {
      for (const rule of this.#table('security-group-rules').values()) {
        if (rule.security_group_id === id) this.#table('security-group-rules').delete(rule.id);
      }
    }
    this.#table(resource).delete(id);
  }

  async forward(floatingIpId: string, body: JsonObject): Promise<void> {
    await this.#called('forward', 'floatingips');
    this.#row('floatingips', floatingIpId);
    this.forwardings.set(floatingIpId, [...(this.forwardings.get(floatingIpId) ?? []), body]);
  }

  async unforward(floatingIpId: string): Promise<void> {
    await this.#called('unforward', 'floatingips');
    this.forwardings.delete(floatingIpId);
  }

  async addTag(resource: NetworkResource, id: string, tag: string): Promise<void> {
    await this.#called('add-tag', resource);
    if (tag.length > 60) throw new Failure('invalid', `tag ${tag} is too long`);
    const row = this.#row(resource, id);
    if (!row.tags.includes(tag)) row.tags.push(tag);
  }

  async removeTag(resource: NetworkResource, id: string, tag: string): Promise<void> {
    await this.#called('remove-tag', resource);
    const row = this.#table(resource).get(id);
    if (row) row.tags = row.tags.filter((each) => each !== tag);
  }

  /** What there is, for a comparison of before and after. */
  inventory(): Record<string, Row[]> {
    return structuredClone(
      Object.fromEntries([...this.#rows].map(([resource, rows]) => [resource, [...rows.values()]])),
    );
  }

  async #called(method: string, resource: NetworkResource): Promise<void> {
    this.calls.push(`${method} ${resource}`);
    await this.before(`${method} ${resource}`);
  }

  #table(resource: NetworkResource): Map<string, Row> {
    const table = this.#rows.get(resource) ?? new Map<string, Row>();
    this.#rows.set(resource, table);
    return table;
  }

  #row(resource: NetworkResource, id: string): Row {
    const row = this.#table(resource).get(id);
    if (!row) throw new Failure(notFound[resource], `${resource} ${id} not found`);
    return row;
  }

  #view<R extends NetworkResource>(_: R, row: Row): ResourceViews[R] {
    return structuredClone(row) as unknown as ResourceViews[R];
  }

  #completeSubnet(row: Row): void {
    this.#row('networks', String(row.network_id));
    const base = String(row.cidr).split('/')[0] ?? '';
    const first = base.includes(':') ? `${base}1` : base.replace(/\d+$/, (last) => String(Number(last) + 1));
    Object.assign(row, { gateway_ip: first, host_routes: [], subnetpool_id: null, ...row });
    const sameFamily = [...this.#table('subnets').values()].filter(
      (other) => other.network_id === row.network_id && other.ip_version === row.ip_version,
    );
    if (sameFamily.some((other) => other.subnetpool_id !== row.subnetpool_id)) {
      throw new Failure('subnet-pool-affinity', 'all subnets of a network are of one pool');
    }
    if (row.subnetpool_id === null) return;
    this.#row('subnetpools', String(row.subnetpool_id));
    if (this.#subnetsOf(String(row.subnetpool_id)).some(({ cidr }) => cidr === row.cidr)) {
      throw new Failure('subnet-allocation-failed', `${row.cidr} is taken`);
    }
  }

  #subnetsOf(poolId: string): Row[] {
    return [...this.#table('subnets').values()].filter((subnet) => subnet.subnetpool_id === poolId);
  }

  #completePool(row: Row): void {
    const version = String((row.prefixes as string[])[0]).includes(':') ? 6 : 4;
    Object.assign(row, { ip_version: version, description: '', shared: false, ...row });
  }

  #completePort(row: Row): void {
    this.#row('networks', String(row.network_id));
    this.#lastMac += 1;
    const mac = `fa:16:3e:00:00:${this.#lastMac.toString(16).padStart(2, '0')}`;
    const defaults = {
      mac_address: mac,
      device_id: '',
      device_owner: '',
      security_groups: ['default'],
      'binding:host_id': 'here',
    };
    Object.assign(row, { status: 'DOWN', ...defaults, ...row });
    const taken = [...this.#table('ports').values()].some(
      (port) => port.network_id === row.network_id && port.mac_address === row.mac_address,
    );
    if (taken) throw new Failure('mac-address-in-use', `MAC ${row.mac_address} is in use`);
    row.fixed_ips = this.#addresses((row.fixed_ips ?? []) as FixedIp[], row.id);
  }

  #addresses(wanted: readonly Partial<FixedIp>[], portId: string): FixedIp[] {
    return wanted.map(({ subnet_id = '', ip_address }) => {
      const subnet = this.#row('subnets', subnet_id);
      const taken = [...this.#table('ports').values()]
        .filter((port) => port.id !== portId)
        .flatMap(ipsOf)
        .filter((ip) => ip.subnet_id === subnet_id)
        .map((ip) => ip.ip_address);
      if (ip_address && taken.includes(ip_address)) {
        throw new Failure('ip-address-in-use', `IP address ${ip_address} is in use`);
      }
      return { subnet_id, ip_address: ip_address ?? freeAddress(subnet, taken) };
    });
  }
}

/** Small numbers only: enough addresses for a test. */
function freeAddress(subnet: Row, taken: readonly string[]): string {
  const pools = subnet.allocation_pools as { start: string }[] | undefined;
  const start = pools?.[0]?.start ?? String(subnet.gateway_ip ?? subnet.cidr).split('/')[0] ?? '';
  for (let offset = 0; offset < 200; offset += 1) {
    const address = start.includes(':')
      ? start.replace(/[0-9a-f]*$/, (last) => (Number.parseInt(last || '0', 16) + offset).toString(16))
      : start.replace(/\d+$/, (last) => String(Number(last) + offset));
    if (address !== subnet.gateway_ip && !taken.includes(address)) return address;
  }
  throw new Failure('ip-address-exhausted', `no more addresses on subnet ${subnet.id}`);
}

function ipsOf(port: Row): FixedIp[] {
  return (port.fixed_ips ?? []) as FixedIp[];
}

function fits(row: Row, query: ListQuery): boolean {
  return Object.entries(query).every(([key, wanted]) => {
    if (key === 'tags')
      return String(wanted)
        .split(',')
        .every((tag) => row.tags.includes(tag));
    if (key === 'fixed_ips') {
      // As Neutron: one of several is enough.
      return [wanted].flat().some((each) => {
        const [name = '', value] = String(each).split('=');
        return ipsOf(row).some((ip) => ip[name as keyof FixedIp] === value);
      });
    }
    return String(row[key]) === String(wanted);
  });
}
