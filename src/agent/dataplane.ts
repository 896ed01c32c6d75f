/**
 * What the agent needs of the dataplane; src/network implements it. Every method is idempotent: it converges on what
 * it is given, whatever is there, and what is gone already is success.
 */
import type { WantedNetwork } from '../wire/host-network.ts';

export interface PlugRequest {
  readonly portId: string;
  /** Docker's name for the attachment; new at every start of a container. */
  readonly endpointId: string;
}

export interface HostDataplane {
  /** Namespace, bridge, filters, addresses and routers of one network, for the ports that are plugged. */
  converge(network: WantedNetwork): Promise<void>;
  /** Removes everything of a network that is no longer wanted on this host. */
  forget(networkId: string): Promise<void>;
  /** Makes the port's veth pair and puts its host end on the bridge; `linkName` is the end dockerd moves away. */
  plug(network: WantedNetwork, request: PlugRequest): Promise<{ readonly linkName: string }>;
  unplug(request: PlugRequest): Promise<void>;
  /** Ids of the ports that are plugged now, as the kernel has it. */
  activePorts(): Promise<readonly string[]>;
  /** Removes what carries this installation's mark and belongs to none of these; never anybody else's. */
  sweep(wantedNetworkIds: readonly string[], wantedRouterIds: readonly string[]): Promise<void>;
}
