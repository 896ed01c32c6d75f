/**
 * What the container use cases need of a network service; the embedded one and a real Neutron implement it.
 *
 * `resolve…` run while the request waits: they only read and throw the error that the caller should see.
 * `ensure…` and `release…` are idempotent and run in reconcilers: after a crash they are simply run again.
 * Ports of a container are found by their device id (the container's uuid), so nothing needs to be remembered.
 */
import type { Caller } from '../model/caller.ts';
import type { ExposedPort, Nic, ResolvedNet } from '../model/container.ts';

/** One entry of `nets` as the user gave it. */
export interface RequestedNet {
  /** Name or id; exactly one of the two. */
  readonly network?: string;
  readonly port?: string;
  readonly fixedIp?: string;
}

export type { ResolvedNet };

export interface PortRequest {
  readonly projectId: string;
  readonly containerUuid: string;
  readonly containerName: string;
  readonly host: string;
  /** Position in the container's list of networks: with the container's uuid the key of the port. */
  readonly index: number;
  readonly net: ResolvedNet;
  /** Null = the project's default group. */
  readonly securityGroupIds: readonly string[] | null;
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

  /** Makes or adopts the port, binds it to the host, and tells what the container gets. */
  ensurePort(request: PortRequest): Promise<Nic>;

  /**
   * Deletes the ports that were made for the container and frees the ones that were the user's. Floating IPs that
   * publishing made (model/published.ts) go along.
   */
  releasePorts(containerUuid: string): Promise<void>;

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
