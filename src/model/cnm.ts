/**
 * Objects of the Container Network Model (docs/glossary.md): networks, endpoints, sandboxes, in the words of libnetwork.
 *
 * Ids are 64 hexadecimal digits. Addresses with a prefix length are canonical text (`10.0.0.5/24`). `state` is what a crash
 * in the middle of a change is recognised by: `creating` is undone and `deleting` is finished at the next start.
 */
export type CnmState = 'creating' | 'ready' | 'deleting';

export interface CnmPool {
  readonly version: 4 | 6;
  /** The IPAM driver's name for it. */
  readonly id: string;
  readonly cidr: string;
  /** The IPAM driver's name for where the pool is unique. */
  readonly addressSpace: string;
  /** Part of the pool that automatic addresses come from; empty = all of it. */
  readonly subPool: string;
  /** With prefix length; null = none. */
  readonly gateway: string | null;
  readonly auxiliary: Readonly<Record<string, string>>;
}

export interface CnmNetwork {
  readonly id: string;
  readonly name: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly driver: string;
  readonly scope: 'local' | 'global';
  /** No gateway and no way out. */
  readonly internal: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** The driver's: `com.docker.network.driver.mtu` and the like. */
  readonly options: Readonly<Record<string, string>>;
  readonly ipamDriver: string;
  readonly ipamOptions: Readonly<Record<string, string>>;
  readonly pools: readonly CnmPool[];
  readonly state: CnmState;
}

export interface CnmPort {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly containerPort: number;
}

/** Null = the driver chooses. */
export interface CnmPublish extends CnmPort {
  readonly hostAddress: string | null;
  readonly hostPort: number | null;
}

/** A publication as it was made. */
export interface CnmBinding extends CnmPort {
  readonly hostAddress: string;
  readonly hostPort: number;
}

export interface CnmRoute {
  readonly destination: string;
  /** Null = on the link. */
  readonly nexthop: string | null;
}

/** What a driver says at a join. */
export interface CnmJoin {
  /** The link that the sandbox takes, in the namespace of this process, and what its name starts with inside; null = none. */
  readonly link: { readonly name: string; readonly prefix: string } | null;
  readonly gateway: string | null;
  readonly gateway6: string | null;
  readonly routes: readonly CnmRoute[];
}

export interface CnmEndpoint {
  readonly id: string;
  /** Unique in its network. */
  readonly name: string;
  readonly networkId: string;
  readonly macAddress: string | null;
  /** With prefix length; null = the network gives none of the family. */
  readonly address: string | null;
  readonly address6: string | null;
  readonly aliases: readonly string[];
  readonly options: Readonly<Record<string, string>>;
  readonly exposed: readonly CnmPort[];
  readonly publish: readonly CnmPublish[];
  /** Null = not joined. */
  readonly sandboxId: string | null;
  /** Higher goes first at the election of the gateway. */
  readonly priority: number;
  readonly join: CnmJoin | null;
  /** Name of the interface in the sandbox; null = not joined, or none. */
  readonly interfaceName: string | null;
  readonly bindings: readonly CnmBinding[];
  /** Its driver was told to let the outside in: it is its sandbox's gateway, or the last that was. */
  readonly isProgrammed: boolean;
  readonly state: CnmState;
}

export interface CnmSandbox {
  readonly id: string;
  /** Whoever uses it; unique. */
  readonly name: string;
  /** The namespace below /run/netns; null = the host's own. */
  readonly netns: string | null;
  readonly hostname: string;
  readonly state: CnmState;
}

/** What is asked for at a creation; what is left out is chosen. */
export interface CnmPoolDraft {
  readonly cidr?: string;
  readonly subPool?: string;
  readonly gateway?: string;
  readonly auxiliary?: Readonly<Record<string, string>>;
}

export interface CnmNetworkDraft {
  readonly name: string;
  /** 64 hexadecimal digits: for networks that are to be the same on several hosts. */
  readonly id?: string;
  readonly driver?: string;
  readonly internal?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  readonly ipamDriver?: string;
  readonly ipamOptions?: Readonly<Record<string, string>>;
  /** Also IPv6, when no pool below is of that family: then the IPAM driver chooses one. */
  readonly ipv6?: boolean;
  readonly pools?: readonly CnmPoolDraft[];
}

export interface CnmEndpointDraft {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** Without prefix length. */
  readonly address?: string;
  readonly address6?: string;
  readonly macAddress?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly exposed?: readonly CnmPort[];
  readonly publish?: readonly CnmPublish[];
}

export interface CnmSandboxDraft {
  readonly name: string;
  readonly hostname?: string;
  /** The host's own namespace instead of a new one. */
  readonly isHost?: boolean;
}
