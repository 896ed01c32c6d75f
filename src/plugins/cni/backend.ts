/** What CNI needs of the host it runs on. The agent gives an object of this shape; tests give a small one. */
import type { NetworkService } from '../../wire/network-service.ts';
import type { AskedHostPort } from './capabilities.ts';

/** An interface inside a sandbox (a network namespace that the runtime made). */
export interface SandboxInterface {
  readonly name: string;
  readonly macAddress: string;
  /** With prefix lengths. */
  readonly addresses: readonly string[];
  /** `via` absent = on the link. */
  readonly routes: readonly { readonly to: string; readonly via?: string }[];
}

/** What a port has besides its place in the network. */
export interface PortExtras {
  /** Ports of the host that lead to it; `protocol` is the IP protocol's number. */
  readonly hostPorts: readonly { readonly protocol: number; readonly routerPort: number }[];
  /** What the kernel lacks of these and of the port's limits, in words. */
  readonly missing: readonly string[];
}

export interface CniBackend {
  readonly service: NetworkService;
  /** The name of this host. */
  readonly host: string;
  /** Throws `conflict` when one of the ports is among the taken ones, or a program of this host listens there. */
  refuseTaken(asked: readonly AskedHostPort[], taken: readonly AskedHostPort[]): Promise<void>;
  /** Undefined = the port is not on this host. */
  extrasOf(networkId: string, portId: string): Promise<PortExtras | undefined>;
  /** Makes the port's veth pair with its filters; the container's end waits under the returned name. Idempotent. */
  plug(what: {
    readonly networkId: string;
    readonly portId: string;
    readonly endpointId: string;
  }): Promise<{ readonly linkName: string }>;
  /** Removes the pair wherever the container's end is, if it still stands for this endpoint. Idempotent. */
  unplug(what: { readonly portId: string; readonly endpointId: string }): Promise<void>;
  /** Where the namespace (a path) has routes to already. Throws when there is no such namespace. */
  destinations(netns: string): Promise<ReadonlySet<string>>;
  /** Moves the link into the namespace (a path) under the interface's name and configures it there. */
  attach(netns: string, linkName: string, wanted: SandboxInterface): Promise<void>;
  /** What is in the namespace under that name; undefined = nothing, or no such namespace. */
  inspect(netns: string, name: string): Promise<SandboxInterface | undefined>;
}
