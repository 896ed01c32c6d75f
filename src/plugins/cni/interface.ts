/** What a port means inside a container, and the same as a result of CNI. Pure. */
import { resolverAddress, resolverPrefix } from '../../model/resolver.ts';
import { type CniDns, CniFailure, type CniRequest, type CniResult, cniCode } from '../../wire/cni.ts';
import type { Json, PortView, SubnetView } from '../../wire/network-service.ts';
import type { SandboxInterface } from './backend.ts';
import type { Configuration } from './configuration.ts';
import type { Resolved } from './resolve.ts';

interface Attachment {
  readonly request: CniRequest;
  readonly config: Configuration;
  readonly port: PortView;
  readonly resolved: Resolved;
}

/** The subnets' own routes, then the default ones: a gateway outside of its subnet needs a way to itself first. */
export function interfaceOf({ request, config, port, resolved }: Attachment): SandboxInterface {
  const own = port.fixed_ips.map(({ subnet_id, ip_address }) => ({
    address: ip_address,
    subnet: subnetOf(resolved, subnet_id),
  }));
  const subnets = [...new Set(own.map(({ subnet }) => subnet))];
  const versions = [...new Set(subnets.map((subnet) => subnet.ip_version))];
  const isOwn = (address: string) => own.some((ip) => ip.address === address);
  const gateways =
    config.defaultGateway === false
      ? []
      : subnets.flatMap(({ gateway_ip: ip }) => (ip && !isOwn(ip) ? [ip] : []));
  return {
    name: request.ifname,
    macAddress: port.mac_address,
    addresses: own.map(({ address, subnet }) => `${address}/${subnet.cidr.split('/')[1]}`),
    routes: [
      // With the default route comes the way to the network's own resolver.
      ...(config.defaultGateway === false
        ? []
        : versions.map((version) => ({ to: resolverPrefix(version) }))),
      ...subnets.flatMap((subnet) => routesOf(subnet.host_routes)),
      ...gateways.map((via) => ({ to: via.includes(':') ? '::/0' : '0.0.0.0/0', via })),
    ],
  };
}

/** As the reference plugins do: the container's first interface keeps its routes, above all the default one. */
export function withoutRoutes(wanted: SandboxInterface, taken: ReadonlySet<string>): SandboxInterface {
  return { ...wanted, routes: wanted.routes.filter(({ to }) => !taken.has(to)) };
}

function subnetOf({ subnets }: Resolved, id: string): SubnetView {
  const found = subnets.find((subnet) => subnet.id === id);
  if (found) return found;
  throw new CniFailure(cniCode.tryAgainLater, `subnet ${id} was deleted meanwhile`);
}

function routesOf(routes: Json | undefined): { to: string; via: string }[] {
  if (!Array.isArray(routes)) return [];
  return (routes as { destination: string; nexthop: string }[]).map(({ destination, nexthop }) => ({
    to: destination,
    via: nexthop,
  }));
}

interface Made {
  readonly request: CniRequest;
  readonly config: Configuration;
  readonly port: PortView;
  readonly resolved: Resolved;
  readonly wanted: SandboxInterface;
}

/** After the results of the plugins before this one in the chain, if there are any. */
export function resultOf({ request, config, port, resolved, wanted }: Made): CniResult {
  const before = (config.prevResult ?? {}) as CniResult;
  const interfaces = before.interfaces ?? [];
  const gatewayOf = (address: string) =>
    wanted.routes.find(
      ({ to, via }) => via !== undefined && /^(0\.0\.0\.0|::)\/0$/.test(to) && sameFamily(via, address),
    )?.via;
  return {
    interfaces: [
      ...interfaces,
      { name: wanted.name, mac: wanted.macAddress, mtu: resolved.network.mtu, sandbox: request.netns },
    ],
    ips: [
      ...(before.ips ?? []),
      ...wanted.addresses.map((address) => {
        const gateway = gatewayOf(address);
        return { address, interface: interfaces.length, ...(gateway === undefined ? {} : { gateway }) };
      }),
    ],
    routes: [
      ...(before.routes ?? []),
      ...wanted.routes.map(({ to, via }) => ({ dst: to, ...(via === undefined ? {} : { gw: via }) })),
    ],
    dns: dnsOf({ config, port, resolved, wanted }, before.dns),
  };
}

/**
 * The runtime's word first, then the configuration's, then ours: the network's resolver, and behind it the servers of the
 * subnets, for when it is down.
 */
function dnsOf(
  { config: { dns, runtimeConfig }, port, resolved, wanted }: Omit<Made, 'request'>,
  before: CniDns | undefined,
): CniDns {
  const own = resolved.subnets.filter(({ id }) => port.fixed_ips.some((ip) => ip.subnet_id === id));
  const servers = own.flatMap(({ dns_nameservers: list }) => (Array.isArray(list) ? (list as string[]) : []));
  const resolver = wanted.routes.find(({ to }) => to === resolverPrefix(4) || to === resolverPrefix(6));
  const ours = resolver ? [resolverAddress[resolver.to.includes(':') ? 6 : 4], ...servers] : servers;
  const asked = runtimeConfig?.dns;
  const nameservers = asked?.servers ?? dns?.nameservers ?? before?.nameservers ?? ours;
  const search = asked?.searches ?? dns?.search ?? before?.search ?? (resolver ? domainsOf(port) : []);
  const options = asked?.options ?? dns?.options ?? before?.options ?? [];
  const domain = dns?.domain ?? before?.domain;
  return {
    ...(nameservers.length > 0 ? { nameservers } : {}),
    ...(domain ? { domain } : {}),
    ...(search.length > 0 ? { search } : {}),
    ...(options.length > 0 ? { options } : {}),
  };
}

/** The domain that the network service names the port in. */
function domainsOf({ dns_assignment: assigned }: PortView): string[] {
  const [first] = Array.isArray(assigned) ? (assigned as { fqdn?: string }[]) : [];
  const domain = first?.fqdn?.replace(/^[^.]*\./, '').replace(/\.$/, '');
  return domain ? [domain] : [];
}

function sameFamily(a: string, b: string): boolean {
  return a.includes(':') === b.includes(':');
}
