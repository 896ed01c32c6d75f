/**
 * What the container use cases need of a network service; the embedded one and a real Neutron implement it.
 *
 * `resolve…` run while the request waits: they only read and throw the error that the caller should see.
 * `ensure…` and `release…` are idempotent and run in reconcilers: after a crash they are simply run again.
 * Ports of a container are found by their device id (the container's uuid), so nothing needs to be remembered.
 */
import type { Caller } from '../model/caller.ts';
import type { ExposedPort, Nic, ResolvedNet, WantedNet } from '../model/container.ts';

/** One entry of `nets` as the user gave it; neither network nor port = the project's default network. */
export interface RequestedNet {
  /** Name or id. */
  readonly network?: string;
  readonly port?: string;
  /** At most one of each family. */
  readonly fixedIps?: readonly string[];
  readonly defaultGateway?: boolean;
}

export type { ResolvedNet };

export interface PortRequest {
  readonly projectId: string;
  readonly containerUuid: string;
  readonly containerName: string;
  /** What its neighbours resolve it by; empty = nothing. */
  readonly dnsName: string;
  readonly host: string;
  readonly net: WantedNet;
  /** Null = the project's default group. */
  readonly securityGroupIds: readonly string[] | null;
}

export interface ReleaseOptions {
  /** Indexes of networks whose ports stay. */
  readonly keep?: readonly number[];
  /** The name that ports of the user's were given with the container, and lose with it. */
  readonly dnsName?: string;
}

/** Where the outside finds a port. */
export interface OutsideAddress {
  /** Of the floating IP. */
  readonly id: string;
  readonly address: string;
  /** The address of the port that it stands for. */
  readonly fixedAddress: string;
}

export interface Networking {
  /**
   * Names and ids → ids, duplicates removed, visible to the caller. Throws `invalid` (400) `Security group X not
   * found.` and `conflict` (409) for an ambiguous name, in Zun's words.
   */
  resolveSecurityGroups(caller: Caller, names: readonly string[]): Promise<string[]>;

  /**
   * Checks what was asked for and chooses the default network when nothing was (zun-api.md 6.2 `nets`, 6.3).
   * `mayAttachExternal` is the answer of policy `network:attach_external_network`.
   */
  resolveNets(
    caller: Caller,
    nets: readonly RequestedNet[],
    options: { readonly mayAttachExternal: boolean },
  ): Promise<ResolvedNet[]>;

  /**
   * The network that is meant, by name or id, or that of a port. Throws `network-not-found`, `port-not-found` (404) and
   * `conflict` (409) in Zun's words.
   */
  locate(
    caller: Caller,
    what: { readonly network: string } | { readonly port: string },
  ): Promise<{ readonly networkId: string; readonly portId?: string }>;

  /** Makes or adopts the port, binds it to the host, and tells what the container gets. */
  ensurePort(request: PortRequest): Promise<Nic>;

  /**
   * Deletes the ports that were made for the container and frees the ones that were the user's. Floating IPs that
   * publishing made (model/published.ts) go along.
   */
  releasePorts(containerUuid: string, options?: ReleaseOptions): Promise<void>;

  /**
   * Gives all of the container's ports the group, or takes it from them; those without port security are passed over.
   * Throws `security-group-cannot-be-applied` when no port can have groups.
   */
  changeSecurityGroup(
    containerUuid: string,
    change: { readonly add: string } | { readonly remove: string },
  ): Promise<void>;

  /** Floating IPs by the ports that they lead to; ports without one are left out. One look for any number of ports. */
  outsideAddresses(portIds: readonly string[]): Promise<ReadonlyMap<string, readonly OutsideAddress[]>>;

  /** The group `zun-<container uuid>` with ingress from anywhere to these ports; returns its id. */
  ensureExposedGroup(
    projectId: string,
    containerUuid: string,
    ports: readonly ExposedPort[],
  ): Promise<string>;

  /** Removes the group of `ensureExposedGroup`, and that of published ports; nothing there is success. */
  releaseExposedGroup(projectId: string, containerUuid: string): Promise<void>;

  /** Uuids of containers that ports still belong to: what a sweep compares with the containers that exist. */
  containersWithPorts(): Promise<string[]>;
}
