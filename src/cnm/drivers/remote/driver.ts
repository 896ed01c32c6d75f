/**
 * A network driver of another maker, behind Docker's plugin protocol. What it says is checked: a property that the endpoint
 * has already may not be given again, and what is no address or link name is refused, both after taking the call back.
 */
import { findAddress, findCidr } from '../../../ipam/address.ts';
import { canonicalMac } from '../../../ipam/mac.ts';
import type { CnmBinding, CnmEndpoint, CnmJoin, CnmNetwork, CnmPool, CnmRoute } from '../../../model/cnm.ts';
import { Failure, isFailure } from '../../../model/failure.ts';
import type { ChosenByDriver, Driver, DriverCapabilities } from '../../driver.ts';
import type { PluginClient } from './client.ts';

const generic = 'com.docker.network.generic';
const key = {
  internal: 'com.docker.network.internal',
  ipv6: 'com.docker.network.enable_ipv6',
  exposed: 'com.docker.network.endpoint.exposedports',
  portmap: 'com.docker.network.portmap',
} as const;
const protocols = { tcp: 6, udp: 17, sctp: 132 } as const;

export class RemoteDriver implements Driver {
  readonly type: string;
  readonly #plugin: PluginClient;
  #capabilities: Promise<DriverCapabilities> | undefined;

  constructor(plugin: PluginClient) {
    this.type = plugin.name;
    this.#plugin = plugin;
  }

  capabilities(): Promise<DriverCapabilities> {
    this.#capabilities ??= this.#ask().catch((error: unknown) => {
      this.#capabilities = undefined;
      throw error;
    });
    return this.#capabilities;
  }

  async createNetwork(network: CnmNetwork): Promise<void> {
    const data = (version: 4 | 6) => network.pools.filter((pool) => pool.version === version).map(toIpamData);
    await this.#plugin.call('NetworkDriver.CreateNetwork', {
      NetworkID: network.id,
      Options: {
        [key.ipv6]: data(6).length > 0,
        [generic]: network.options,
        ...(network.internal ? { [key.internal]: true } : {}),
      },
      IPv4Data: data(4),
      IPv6Data: data(6),
    });
  }

  /** A plugin keeps its networks itself. */
  async restoreNetwork(): Promise<void> {
    await this.capabilities();
  }

  async deleteNetwork({ id }: CnmNetwork): Promise<void> {
    await this.#plugin.call('NetworkDriver.DeleteNetwork', { NetworkID: id });
  }

  async createEndpoint(network: CnmNetwork, endpoint: CnmEndpoint): Promise<ChosenByDriver> {
    const answer = await this.#plugin.call('NetworkDriver.CreateEndpoint', {
      ...idsOf(network, endpoint),
      Interface: {
        Address: endpoint.address ?? '',
        AddressIPv6: endpoint.address6 ?? '',
        MacAddress: endpoint.macAddress ?? '',
      },
      Options: network.internal ? endpoint.options : { ...endpoint.options, ...portsOf(endpoint) },
    });
    try {
      return chosenOf(answer.Interface, endpoint);
    } catch (error) {
      await this.deleteEndpoint(network, endpoint);
      throw error;
    }
  }

  async deleteEndpoint(network: CnmNetwork, endpoint: CnmEndpoint): Promise<void> {
    await this.#plugin.call('NetworkDriver.DeleteEndpoint', idsOf(network, endpoint));
  }

  async join(network: CnmNetwork, endpoint: CnmEndpoint, sandboxKey: string): Promise<CnmJoin> {
    const answer = await this.#plugin.call('NetworkDriver.Join', {
      ...idsOf(network, endpoint),
      SandboxKey: sandboxKey,
      Options: portsOf(endpoint),
    });
    try {
      return joinOf(answer);
    } catch (error) {
      await this.leave(network, endpoint);
      throw error;
    }
  }

  async leave(network: CnmNetwork, endpoint: CnmEndpoint): Promise<void> {
    await this.#plugin.call('NetworkDriver.Leave', idsOf(network, endpoint));
  }

  /** Such drivers do not tell where they published. */
  async program(network: CnmNetwork, endpoint: CnmEndpoint): Promise<readonly CnmBinding[]> {
    await this.#orNotImplemented('NetworkDriver.ProgramExternalConnectivity', {
      ...idsOf(network, endpoint),
      Options: portsOf(endpoint),
    });
    return endpoint.publish.flatMap(({ hostAddress, hostPort, ...port }) =>
      hostPort === null ? [] : [{ ...port, hostPort, hostAddress: hostAddress ?? '0.0.0.0' }],
    );
  }

  async revoke(network: CnmNetwork, endpoint: CnmEndpoint): Promise<void> {
    await this.#orNotImplemented('NetworkDriver.RevokeExternalConnectivity', idsOf(network, endpoint));
  }

  async #ask(): Promise<DriverCapabilities> {
    const { Scope: scope } = await this.#plugin.call('NetworkDriver.GetCapabilities');
    if (scope === 'local' || scope === 'global') return { scope, hasAddresses: true, isSingle: false };
    throw new Failure(
      'driver-refused',
      `plugin ${this.type}: Scope ${JSON.stringify(scope)} is neither local nor global`,
    );
  }

  async #orNotImplemented(method: string, body: object): Promise<void> {
    try {
      await this.#plugin.call(method, body);
    } catch (error) {
      if (!(isFailure(error, 'driver-refused') && error.detail === '404')) throw error;
    }
  }
}

function toIpamData({ cidr, addressSpace, gateway, auxiliary }: CnmPool): object {
  return {
    AddressSpace: addressSpace,
    Pool: cidr,
    ...(gateway === null ? {} : { Gateway: gateway }),
    ...(Object.keys(auxiliary).length > 0 ? { AuxAddresses: auxiliary } : {}),
  };
}

function idsOf({ id }: CnmNetwork, { id: endpointId }: CnmEndpoint): object {
  return { NetworkID: id, EndpointID: endpointId };
}

function portsOf({ exposed, publish }: CnmEndpoint): object {
  return {
    ...(exposed.length > 0
      ? {
          [key.exposed]: exposed.map(({ protocol, containerPort }) => ({
            Proto: protocols[protocol],
            Port: containerPort,
          })),
        }
      : {}),
    ...(publish.length > 0
      ? {
          [key.portmap]: publish.map(({ protocol, containerPort, hostAddress, hostPort }) => ({
            Proto: protocols[protocol],
            IP: '',
            Port: containerPort,
            HostIP: hostAddress ?? '',
            HostPort: hostPort ?? 0,
            HostPortEnd: hostPort ?? 0,
          })),
        }
      : {}),
  };
}

function chosenOf(given: unknown, endpoint: CnmEndpoint): ChosenByDriver {
  const {
    Address = '',
    AddressIPv6 = '',
    MacAddress = '',
  } = (given ?? {}) as Record<string, string | undefined>;
  for (const [what, now, before] of [
    ['address', Address, endpoint.address],
    ['IPv6 address', AddressIPv6, endpoint.address6],
    ['MAC address', MacAddress, endpoint.macAddress],
  ] as const) {
    if (now === '' || before === null) continue;
    throw new Failure(
      'driver-refused',
      `driver modified interface ${what}: endpoint interface ${what} present (${before})`,
    );
  }
  return {
    ...(Address === '' ? {} : { address: checkedCidr(Address) }),
    ...(AddressIPv6 === '' ? {} : { address6: checkedCidr(AddressIPv6) }),
    ...(MacAddress === '' ? {} : { macAddress: canonicalMac(MacAddress) }),
  };
}

interface JoinAnswer {
  readonly InterfaceName?: { readonly SrcName?: string; readonly DstPrefix?: string } | null;
  readonly Gateway?: string;
  readonly GatewayIPv6?: string;
  readonly StaticRoutes?: readonly { Destination?: string; RouteType?: number; NextHop?: string }[] | null;
}

function joinOf(answer: JoinAnswer): CnmJoin {
  const { SrcName: name = '', DstPrefix: prefix = '' } = answer.InterfaceName ?? {};
  if (name !== '' && !/^[^\s/]{1,15}$/.test(name)) throw refused('InterfaceName.SrcName', name);
  if (name !== '' && !/^[a-zA-Z][a-zA-Z0-9_-]{0,11}$/.test(prefix))
    throw refused('InterfaceName.DstPrefix', prefix);
  return {
    link: name === '' ? null : { name, prefix },
    gateway: checkedAddress('Gateway', answer.Gateway),
    gateway6: checkedAddress('GatewayIPv6', answer.GatewayIPv6),
    routes: (answer.StaticRoutes ?? []).map(toRoute),
  };
}

function toRoute({
  Destination = '',
  RouteType: type = 0,
  NextHop = '',
}: NonNullable<JoinAnswer['StaticRoutes']>[number]): CnmRoute {
  const destination = checkedCidr(Destination);
  return { destination, nexthop: type === 1 ? null : checkedAddress('StaticRoutes.NextHop', NextHop) };
}

function checkedAddress(field: string, address: string | undefined): string | null {
  if (address === undefined || address === '') return null;
  if (findAddress(address)) return address;
  throw refused(field, address);
}

function checkedCidr(text: string): string {
  if (findCidr(text)) return text;
  throw refused('an address', text);
}

function refused(field: string, value: string): Failure {
  return new Failure('driver-refused', `the plugin's ${field} ${JSON.stringify(value)} cannot be used`);
}
