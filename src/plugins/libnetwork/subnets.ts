/** Subnets by id: from the host's memory, else from the service, remembered for a short while. */
import type { Json, NetworkService, SubnetView } from '../../wire/network-service.ts';
import type { HostSubnet, KuryrBackend } from './backend.ts';

const rememberedMs = 5_000;

export class Subnets {
  readonly #backend: KuryrBackend;
  readonly #recent = new Map<string, { readonly subnet: HostSubnet; readonly until: number }>();

  constructor(backend: KuryrBackend) {
    this.#backend = backend;
  }

  /** Throws `subnet-not-found`. */
  async get(id: string): Promise<HostSubnet> {
    const known = await this.#backend.findSubnet(id);
    if (known) return known;
    const recent = this.#recent.get(id);
    if (recent && recent.until > performance.now()) return recent.subnet;
    return this.remember(await this.#service.get('subnets', id));
  }

  /** By a query of Neutron's; several are an error of the caller's making, told as such. */
  async list(query: Record<string, string>): Promise<HostSubnet[]> {
    const views = await this.#service.list('subnets', query);
    return views.map((view) => this.remember(view));
  }

  remember(view: SubnetView): HostSubnet {
    const now = performance.now();
    for (const [id, { until }] of this.#recent) if (until <= now) this.#recent.delete(id);
    const subnet = toHostSubnet(view);
    this.#recent.set(subnet.id, { subnet, until: now + rememberedMs });
    return subnet;
  }

  forget(id: string): void {
    this.#recent.delete(id);
  }

  get #service(): NetworkService {
    return this.#backend.service;
  }
}

function toHostSubnet(view: SubnetView): HostSubnet {
  return {
    id: view.id,
    networkId: view.network_id,
    ipVersion: view.ip_version,
    cidr: view.cidr,
    gatewayIp: view.gateway_ip,
    hostRoutes: toRoutes(view.host_routes),
  };
}

function toRoutes(routes: Json | undefined): { destination: string; nexthop: string }[] {
  if (!Array.isArray(routes)) return [];
  return (routes as { destination: string; nexthop: string }[]).map(({ destination, nexthop }) => ({
    destination,
    nexthop,
  }));
}
