/**
 * What Kuryr needs of the host it runs on. The agent gives an object of this shape; tests give a small one.
 *
 * `find…` answer from memory, at once, for what is bound to this host, whichever project it belongs to: this is how
 * Berth's own containers start without a single question to the network service. Everything else goes through
 * `service`, in the name of the project that Kuryr is configured for.
 */
import type { Holdings } from '../../model/holdings.ts';
import type { NetworkService, PortView } from '../../wire/network-service.ts';
import type { Shelter } from './orphans.ts';

export interface HostSubnet {
  readonly id: string;
  readonly networkId: string;
  readonly ipVersion: 4 | 6;
  readonly cidr: string;
  readonly gatewayIp: string | null;
  readonly hostRoutes: readonly { readonly destination: string; readonly nexthop: string }[];
}

export interface HostPort {
  readonly id: string;
  readonly networkId: string;
  readonly macAddress: string;
  readonly fixedIps: readonly { readonly address: string; readonly subnetId: string }[];
  readonly deviceOwner: string;
}

/** All given properties must match. A port is searched by its id, or within a subnet or a network. */
export interface PortQuery {
  readonly portId?: string;
  readonly subnetId?: string;
  readonly networkId?: string;
  readonly address?: string;
  readonly macAddress?: string;
}

export interface KuryrBackend {
  readonly service: NetworkService;
  /** The name of this host. */
  readonly host: string;
  /** Of Docker and whoever else uses this driver. Only asked between calls: dockerd holds its locks while it waits for one. */
  holdings(): Promise<Holdings>;
  /** What this host itself may have left of ports that are gone; absent = it sees to that without being asked. */
  readonly shelters?: readonly Shelter[];
  /** Whether the port is of this host, whoever has it. */
  isHere(port: PortView): Promise<boolean>;
  /** A subnet of a network that this host serves; undefined = not known here (the service is asked then). */
  findSubnet(subnetId: string): Promise<HostSubnet | undefined>;
  /** A port bound to this host; undefined = not known here. */
  findPort(query: PortQuery): Promise<HostPort | undefined>;
  /**
   * Makes the port's veth pair, with the port's MAC, MTU and filters, and tells the name of the container's end, in
   * the namespace that dockerd runs in. Idempotent. A port made a moment ago may be new to the host.
   */
  plug(what: {
    readonly networkId: string;
    readonly portId: string;
    readonly endpointId: string;
  }): Promise<{ readonly linkName: string }>;
  /** Removes the pair, if it still stands for this endpoint. Idempotent. */
  unplug(what: { readonly portId: string; readonly endpointId: string }): Promise<void>;
  /** Which port was plugged for a Docker endpoint: must survive a restart (the links' aliases tell). */
  portOfEndpoint(endpointId: string): Promise<string | undefined>;
  /**
   * Whether the gateway of this port's subnet is to be the container's default one: of several ports dockerd would choose
   * by the names of their networks.
   */
  isDefaultGateway(portId: string, version: 4 | 6): boolean;
  /** Whether the sandbox (path of a namespace) has this very route. One that does not stand has none. */
  hasRoute(sandbox: string, to: string): Promise<boolean>;
}
