/** Names and ids of a configuration → the network service's objects, each in the words of the configuration. */
import { CniFailure, cniCode } from '../../wire/cni.ts';
import type {
  JsonObject,
  NetworkResource,
  NetworkService,
  NetworkView,
  PortView,
  ResourceViews,
  SubnetView,
} from '../../wire/network-service.ts';
import type { Configuration } from './configuration.ts';

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface Resolved {
  readonly network: NetworkView;
  readonly subnets: readonly SubnetView[];
  /** Those that addresses may come from; empty = all. */
  readonly from: readonly string[];
  readonly port: PortView | undefined;
  /** Undefined = the default group. */
  readonly groupIds: readonly string[] | undefined;
}

export async function resolve(service: NetworkService, config: Configuration): Promise<Resolved> {
  const port = config.port === undefined ? undefined : await find(service, 'ports', config.port, 'port');
  const network = await networkOf(service, config, port);
  const subnets = await service.list('subnets', { network_id: network.id });
  // One that its owner only lets routers use: we may see it, and none of its subnets.
  if (network['router:external'] === true && subnets.length === 0) {
    throw wrong(
      `network: ${network.name} is an external network of another project: containers reach it by a router`,
    );
  }
  return {
    network,
    subnets,
    from: (config.subnets ?? []).map((name) =>
      pick(subnets, name, `subnets: network ${network.name} has no subnet`),
    ),
    port,
    groupIds: config.securityGroups && (await groupsOf(service, config.securityGroups)),
  };
}

async function networkOf(
  service: NetworkService,
  { network }: Configuration,
  port: PortView | undefined,
): Promise<NetworkView> {
  if (network !== undefined) {
    const found = await find(service, 'networks', network, 'network');
    if (port && port.network_id !== found.id) throw wrong(`port ${port.id} is not on network ${network}`);
    return found;
  }
  if (port) return service.get('networks', port.network_id);
  const all = await service.list('networks', { 'router:external': 'False', shared: 'False' });
  const [only, ...others] = all;
  if (only && others.length === 0) return only;
  const names = all.map(({ name }) => name).join(', ');
  throw wrong(
    `network is missing: give the name or id of one${names ? ` of ${names}` : ' (there is none yet)'}`,
  );
}

async function groupsOf(service: NetworkService, names: readonly string[]): Promise<string[]> {
  const groups = await Promise.all(
    names.map((name) => find(service, 'security-groups', name, 'securityGroups')),
  );
  return [...new Set(groups.map(({ id }) => id))];
}

async function find<R extends NetworkResource>(
  service: NetworkService,
  resource: R,
  nameOrId: string,
  key: string,
): Promise<ResourceViews[R]> {
  const query = uuidPattern.test(nameOrId) ? { id: nameOrId } : { name: nameOrId };
  const [found, ...others] = await service.list(resource, query);
  if (found && others.length === 0) return found;
  throw wrong(
    found
      ? `${key}: more than one is named ${nameOrId}: give its id`
      : `${key}: there is no ${JSON.stringify(nameOrId)}`,
  );
}

function pick(
  all: readonly (JsonObject & { id: string; name: string })[],
  nameOrId: string,
  what: string,
): string {
  const [found, ...others] = all.filter(({ id, name }) => id === nameOrId || name === nameOrId);
  if (found && others.length === 0) return found.id;
  throw wrong(found ? `subnets: more than one is named ${nameOrId}: give its id` : `${what} ${nameOrId}`);
}

export function wrong(text: string): CniFailure {
  return new CniFailure(cniCode.invalidConfig, text);
}
