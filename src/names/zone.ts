/**
 * What a network's resolver knows by itself: the names of its ports, both ways. Pure.
 *
 * A name is known bare (`web`) and under the network's domain (`web.example.org`); what is unknown there is "no such name" and is
 * asked of nobody, and so are bare names and the addresses of the network's subnets. Where several projects use a
 * network, an asker's own project comes first. Ports without a name are called by their address.
 */
import type { WantedNetwork } from '../wire/host-network.ts';
import { type Ip, type IpRange, parseRange, readIp, reverseAddress, reverseDomain } from './addresses.ts';
import { type Query, type Reply, type Resource, rcode, type } from './message.ts';

interface Owned {
  readonly projectId: string;
  readonly addresses: readonly string[];
}

export class Zone {
  readonly #domain: string;
  readonly #subnets: readonly (IpRange & { readonly servers: readonly string[] })[];
  /** Names without the domain; those above a known one have nobody. */
  readonly #names = new Map<string, Owned[]>();
  /** By address as a number. */
  readonly #reverse = new Map<bigint, string>();
  readonly #projects = new Map<bigint, string>();

  constructor(network: WantedNetwork) {
    this.#domain = network.dnsDomain.toLowerCase();
    this.#subnets = network.subnets.map(({ cidr, dnsNameservers }) => ({
      ...parseRange(cidr),
      servers: dnsNameservers,
    }));
    for (const each of network.names) this.#add(each.name.toLowerCase(), each);
    for (const { fixedIps } of network.ports) {
      for (const { address } of fixedIps) this.#addUnnamed(address);
    }
  }

  /** Undefined = somebody else has to be asked. */
  answer(query: Query, source: string): Reply | undefined {
    const inDomain = this.#inDomain(query.name);
    if (inDomain === '') return this.#apex(query);
    if (inDomain !== undefined) return this.#forward(query, this.#names.get(inDomain), source);
    const bare = this.#names.get(query.name);
    if (bare) return this.#forward(query, bare, source);
    const address = reverseAddress(query.name);
    if (address && this.#subnetOf(address)) return this.#backward(query, address.value);
    const isBare = query.name !== '' && !query.name.includes('.');
    return isBare && isAddressType(query.type) ? this.#none(query) : undefined;
  }

  /**
   * Servers that the asker's subnet names; undefined = none are named. Those inside of the network are left out: only
   * its containers can reach them, and have them in their own list.
   */
  serversFor(source: string): readonly string[] | undefined {
    const address = readIp(source);
    const named = (address && this.#subnetOf(address)?.servers) ?? [];
    if (named.length === 0) return undefined;
    return named.filter((server) => {
      const ip = readIp(server);
      return ip && !this.#subnetOf(ip);
    });
  }

  #add(name: string, owned: Owned): void {
    this.#names.set(name, [...(this.#names.get(name) ?? []), owned]);
    for (let at = name.indexOf('.'); at >= 0; at = name.indexOf('.', at + 1)) {
      const above = name.slice(at + 1);
      if (!this.#names.has(above)) this.#names.set(above, []);
    }
    for (const address of owned.addresses) {
      const value = readIp(address)?.value;
      if (value === undefined) continue;
      this.#projects.set(value, owned.projectId);
      if (!this.#reverse.has(value)) this.#reverse.set(value, this.#full(name));
    }
  }

  #addUnnamed(address: string): void {
    const value = readIp(address)?.value;
    if (value === undefined || this.#reverse.has(value)) return;
    const name = `host-${address.replaceAll(/[.:]/g, '-')}`;
    this.#reverse.set(value, this.#full(name));
    this.#names.set(name, [{ projectId: '', addresses: [address] }]);
  }

  #full(name: string): string {
    return this.#domain ? `${name}.${this.#domain}` : name;
  }

  /** What stands before the domain; '' = the domain itself. */
  #inDomain(name: string): string | undefined {
    if (this.#domain === '') return undefined;
    if (name === this.#domain) return '';
    return name.endsWith(`.${this.#domain}`) ? name.slice(0, -this.#domain.length - 1) : undefined;
  }

  #subnetOf({ version, value }: Ip) {
    return this.#subnets.find((one) => one.version === version && one.first <= value && value <= one.last);
  }

  #forward(query: Query, owned: readonly Owned[] | undefined, source: string): Reply {
    if (!owned) return this.#none(query);
    const asker = this.#projects.get(readIp(source)?.value ?? -1n);
    const own = owned.filter(({ projectId }) => projectId === asker);
    const addresses = (own.length > 0 ? own : owned).flatMap((each) => each.addresses);
    const answers = [...new Set(addresses)].flatMap((address): Resource[] => {
      const kind = address.includes(':') ? 'AAAA' : 'A';
      const isAsked = query.type === type.any || query.type === type[kind === 'A' ? 'a' : 'aaaa'];
      return isAsked ? [{ owner: 'question', type: kind, data: address }] : [];
    });
    return answers.length > 0 ? { rcode: rcode.noError, answers: shuffled(answers) } : this.#nothing(query);
  }

  #backward(query: Query, value: bigint): Reply {
    const name = this.#reverse.get(value);
    if (name === undefined) return this.#none(query);
    if (query.type !== type.ptr && query.type !== type.any) return this.#nothing(query);
    return { rcode: rcode.noError, answers: [{ owner: 'question', type: 'PTR', data: name }] };
  }

  #apex(query: Query): Reply {
    if (query.type !== type.soa) return this.#nothing(query);
    return { rcode: rcode.noError, answers: [this.#soa('question')] };
  }

  /** There is no such name. */
  #none(query: Query): Reply {
    return { ...this.#nothing(query), rcode: rcode.nameError };
  }

  /** The name has nothing of this type. */
  #nothing(query: Query): Reply {
    const above = this.#inDomain(query.name) === undefined ? reverseDomain(query.name) : this.#domain;
    return { rcode: rcode.noError, authority: [this.#soa(above ?? 'question')] };
  }

  #soa(owner: string): Resource {
    const host = this.#domain ? `resolver.${this.#domain}` : 'resolver';
    const times = { serial: 1, refresh: 3600, retry: 600, expire: 86_400, minimum: 5 };
    return {
      owner,
      type: 'SOA',
      data: { mname: host, rname: `hostmaster.${this.#domain || 'resolver'}`, ...times },
    };
  }
}

function isAddressType(kind: number): boolean {
  return kind === type.a || kind === type.aaaa;
}

function shuffled<T>(list: readonly T[]): T[] {
  const mixed = [...list];
  for (let at = mixed.length - 1; at > 0; at -= 1) {
    const other = Math.floor(Math.random() * (at + 1));
    [mixed[at], mixed[other]] = [mixed[other] as T, mixed[at] as T];
  }
  return mixed;
}
