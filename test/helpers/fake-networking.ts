/**
 * A small working model of the network service: it keeps ports and groups, hands out addresses, can fail, and can
 * play dead: `crashAt = n` lets the n-th moment before or after an effect never pass, as if the process had died there.
 */
import type {
  Networking,
  OutsideAddress,
  PortRequest,
  ReleaseOptions,
  RequestedNet,
  ResolvedNet,
} from '../../src/control/networking.ts';
import type { Caller } from '../../src/model/caller.ts';
import type { Nic } from '../../src/model/container.ts';
import { Failure, type FailureCode } from '../../src/model/failure.ts';

interface FakePort {
  readonly nic: Nic;
  readonly containerUuid: string;
  readonly groups: Set<string>;
}

export class FakeNetworking implements Networking {
  readonly ports = new Map<string, FakePort>();
  readonly exposedGroups = new Set<string>();
  /** Thrown by the next calls of that name, until removed. */
  readonly failures = new Map<keyof Networking, Error>();
  /** What else happens while a call is under way. */
  readonly during = new Map<keyof Networking, () => Promise<unknown>>();
  readonly calls: string[] = [];
  #addresses = 0;

  /** Moments passed before or after an effect; counts on over a crash. */
  moments = 0;
  crashAt: number | null = null;
  onCrash: () => void = () => undefined;

  #enter(call: keyof Networking): void {
    this.calls.push(call);
    const failure = this.failures.get(call);
    if (failure) throw failure;
  }

  /** Around everything that changes something. */
  async #effect<T>(call: keyof Networking, effect: () => T): Promise<T> {
    this.#enter(call);
    await this.#moment();
    await this.during.get(call)?.();
    const result = effect();
    await this.#moment();
    return result;
  }

  async #moment(): Promise<void> {
    this.moments += 1;
    if (this.moments !== this.crashAt) return;
    this.onCrash();
    await new Promise<never>(() => undefined);
  }

  async resolveSecurityGroups(_caller: Caller, names: readonly string[]): Promise<string[]> {
    this.#enter('resolveSecurityGroups');
    const missing = names.find((name) => name.startsWith('no-'));
    if (missing) throw new Failure('invalid', `Security group ${missing} not found.`);
    return [...new Set(names)].map((name) => `sg-${name}`);
  }

  async resolveNets(
    _caller: Caller,
    nets: readonly RequestedNet[],
    { mayAttachExternal }: { readonly mayAttachExternal: boolean },
  ): Promise<ResolvedNet[]> {
    this.#enter('resolveNets');
    if (nets.length === 0) return [{ networkId: 'net-default' }];
    return nets.map(({ network, port, fixedIps, defaultGateway }) => {
      if (network === 'public' && !mayAttachExternal) {
        throw new Failure(
          'external-network-attach-forbidden',
          'It is not allowed to create an interface on external network public',
        );
      }
      if (network === 'missing') {
        throw new Failure('network-not-found', 'Neutron network missing could not be found.');
      }
      const refusal = port === undefined ? undefined : portRefusals[port];
      if (refusal) throw new Failure(...refusal);
      return {
        networkId: networkIdOf(network, port),
        ...(port === undefined ? {} : { portId: port }),
        ...(fixedIps === undefined ? {} : { fixedIps }),
        ...(defaultGateway ? { defaultGateway } : {}),
      };
    });
  }

  async locate(
    _caller: Caller,
    what: { readonly network: string } | { readonly port: string },
  ): Promise<{ networkId: string; portId?: string }> {
    this.#enter('locate');
    if ('port' in what) {
      if (what.port === 'missing') {
        throw new Failure('port-not-found', 'Neutron port missing could not be found.');
      }
      return { networkId: 'net-of-port', portId: what.port };
    }
    if (what.network === 'missing') {
      throw new Failure('network-not-found', 'Neutron network missing could not be found.');
    }
    return { networkId: networkIdOf(what.network) };
  }

  async changeSecurityGroup(
    containerUuid: string,
    change: { readonly add: string } | { readonly remove: string },
  ): Promise<void> {
    await this.#effect('changeSecurityGroup', () => {
      for (const { groups, containerUuid: owner } of this.ports.values()) {
        if (owner !== containerUuid) continue;
        if ('add' in change) groups.add(change.add);
        else groups.delete(change.remove);
      }
    });
  }

  /** Floating IPs by port. */
  readonly outside = new Map<string, readonly OutsideAddress[]>();

  async outsideAddresses(
    portIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly OutsideAddress[]>> {
    this.#enter('outsideAddresses');
    return new Map([...this.outside].filter(([portId]) => portIds.includes(portId)));
  }

  /** All distinct sets of groups that the container's ports have. */
  groupsOf(containerUuid: string): string[] {
    const ports = [...this.ports.values()].filter((port) => port.containerUuid === containerUuid);
    return [...new Set(ports.map(({ groups }) => [...groups].sort().join()))];
  }

  async ensurePort(request: PortRequest): Promise<Nic> {
    return this.#effect('ensurePort', () => this.#portFor(request));
  }

  #portFor({ containerUuid, net, securityGroupIds }: PortRequest): Nic {
    const key = `${containerUuid}/${net.index}`;
    const known = this.ports.get(key);
    if (known) return known.nic;
    this.#addresses += 1;
    const addresses = net.fixedIps ?? [`10.0.${this.#addresses >> 8}.${this.#addresses & 255}`];
    const nic: Nic = {
      index: net.index,
      networkId: net.networkId,
      portId: net.portId ?? crypto.randomUUID(),
      macAddress: 'fa:16:3e:00:00:01',
      fixedIps: addresses.map((address) => ({
        address,
        subnetId: 'sub',
        version: address.includes(':') ? 6 : 4,
      })),
      preserveOnDelete: net.portId !== undefined,
      ...(net.defaultGateway ? { defaultGateway: true } : {}),
    };
    this.ports.set(key, { nic, containerUuid, groups: new Set(securityGroupIds ?? ['sg-default']) });
    return nic;
  }

  async releasePorts(containerUuid: string, { keep = [] }: ReleaseOptions = {}): Promise<void> {
    await this.#effect('releasePorts', () => {
      for (const [key, port] of this.ports) {
        if (port.containerUuid === containerUuid && !keep.includes(port.nic.index)) this.ports.delete(key);
      }
    });
  }

  async ensureExposedGroup(_projectId: string, containerUuid: string): Promise<string> {
    return this.#effect('ensureExposedGroup', () => {
      this.exposedGroups.add(containerUuid);
      return `sg-exposed-${containerUuid}`;
    });
  }

  async releaseExposedGroup(_projectId: string, containerUuid: string): Promise<void> {
    await this.#effect('releaseExposedGroup', () => {
      this.exposedGroups.delete(containerUuid);
    });
  }

  async containersWithPorts(): Promise<string[]> {
    this.#enter('containersWithPorts');
    return [...new Set([...this.ports.values()].map(({ containerUuid }) => containerUuid))];
  }
}

/** Ports that cannot be had, by name. */
const portRefusals: Readonly<Record<string, readonly [FailureCode, string]>> = {
  missing: ['port-not-found', 'Neutron port missing could not be found.'],
  taken: ['port-in-use', 'Port taken is still in use.'],
  foreign: ['port-not-usable', 'Port foreign not usable for the container.'],
};

/** Given as an id or as a name. */
function networkIdOf(network: string | undefined, port?: string): string {
  if (network === undefined) return port === undefined ? 'net-default' : 'net-of-port';
  return network.startsWith('net-') ? network : `net-${network}`;
}
