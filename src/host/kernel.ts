/**
 * The door to the kernel's networking: the only interface through which anything changes links, addresses,
 * routes, neighbours, namespaces, sysctls or nftables.
 *
 * A change is a list of steps (data). `apply` runs them in order in one go, on a worker thread, and stops at the
 * first that fails, naming it; `ensure…` steps succeed when the thing is there already with the same settings,
 * `delete…` steps when it is gone. `nft` steps are one atomic transaction each. `netns` is a namespace's name under
 * /run/netns, or the absolute path of one that is not ours (`/proc/123/ns/net`, a container engine's sandbox key);
 * absent = the namespace the process runs in. Nothing else in the product knows how a namespace is entered.
 *
 * Two implementations: ./linux (rtnetlink and libnftables through koffi) and ./fake (a small working model).
 */
import type { SocketRequest } from './sockets.ts';

export type Address = string; // with prefix length, e.g. 10.0.0.1/24

/** A token bucket. */
export interface Bucket {
  readonly bytesPerSecond: number;
  /** What may pass at once after a pause. */
  readonly burstBytes: number;
  /** What may wait for its turn; more is dropped. */
  readonly queueBytes: number;
}

/** How one end of a connection, as its first packet names it, may be translated. Addresses without a length. */
export interface Translation {
  readonly end: 'source' | 'destination';
  readonly external: string;
  /** Absent = any. */
  readonly internal?: string;
  /** Absent = all; else these external ports, leading to as many internal ones. */
  readonly ports?: {
    readonly protocol: number;
    readonly from: number;
    readonly to: number;
    readonly internalFrom: number;
  };
}

/** As the kernel has them: `bridge` = neighbours on the parent reach each other without leaving it. */
export const macvlanModes = ['bridge', 'private', 'vepa', 'passthru'] as const;
export type MacvlanMode = (typeof macvlanModes)[number];

/** A card that is reached through a tunnel. */
export interface KernelPeer {
  readonly mac: string;
  /** Address of the host that it is on. */
  readonly via: string;
  /** Without a length. */
  readonly addresses: readonly string[];
}

export type KernelStep =
  | { readonly do: 'ensure-netns'; readonly name: string }
  /** Deletes the namespace's name; the kernel removes what is in it once nobody holds it. */
  | { readonly do: 'delete-netns'; readonly name: string }
  | {
      readonly do: 'ensure-bridge';
      readonly netns?: string;
      readonly name: string;
      readonly mtu: number;
      readonly mac?: string;
      readonly alias?: string;
    }
  /**
   * A veth pair: `name` in `netns`, `peer.name` in `peer.netns`. Both ends may be born in any namespace. When both
   * exist already the step only sets what differs; when only one does, the stale one is deleted first.
   */
  | {
      readonly do: 'ensure-veth';
      readonly netns?: string;
      readonly name: string;
      readonly mtu: number;
      readonly mac?: string;
      readonly alias?: string;
      readonly peer: {
        readonly netns?: string;
        readonly name: string;
        readonly mac?: string;
        readonly alias?: string;
      };
    }
  /** A link that goes nowhere: what leaves by it is gone. Others stand on it that have no link of the host to stand on. */
  | {
      readonly do: 'ensure-dummy';
      readonly netns?: string;
      readonly name: string;
      readonly mtu?: number;
      readonly alias?: string;
    }
  /** The link's packets of one VLAN; born on its parent in the same namespace. */
  | {
      readonly do: 'ensure-vlan';
      readonly netns?: string;
      readonly name: string;
      readonly parent: string;
      readonly id: number;
      readonly alias?: string;
    }
  /** A card of its own on the parent's wire; born on its parent in the same namespace. */
  | {
      readonly do: 'ensure-macvlan';
      readonly netns?: string;
      readonly name: string;
      readonly parent: string;
      readonly mode: MacvlanMode;
      readonly mtu?: number;
      readonly mac?: string;
      readonly alias?: string;
    }
  /**
   * A tunnel's end that lives in a namespace and sends from the one that this process runs in. It knows only the peers
   * that it is told (`ensure-peer`): it learns nothing, has no default destination, and answers questions for its peers'
   * addresses itself, so that nothing is ever flooded. One that is there keeps its id, address and port.
   */
  | {
      readonly do: 'ensure-vxlan';
      readonly netns: string;
      readonly name: string;
      /** The network's identifier (VNI). */
      readonly id: number;
      /** Address of this host that it sends from. */
      readonly local: string;
      readonly port: number;
      readonly mtu: number;
      readonly alias?: string;
    }
  /** What a tunnel's end knows of a card behind another host; the addresses replace those of before. */
  | ({ readonly do: 'ensure-peer'; readonly netns?: string; readonly link: string } & KernelPeer)
  | {
      readonly do: 'delete-peer';
      readonly netns?: string;
      readonly link: string;
      readonly mac: string;
    }
  | { readonly do: 'delete-link'; readonly netns?: string; readonly name: string }
  /**
   * Takes the link to another namespace (absent = the process's own), under another name there; it arrives down and
   * without addresses. Done already when it is there and no longer here. Throws when another link has the name there.
   */
  | {
      readonly do: 'move-link';
      readonly netns?: string;
      readonly name: string;
      readonly to: { readonly netns?: string; readonly name: string };
    }
  /**
   * Sets only the given properties. `bridge: null` releases the link from its bridge. The last five are flags of a
   * bridge's port; `flood` is unicast to an unknown destination and multicast, broadcast is always passed on.
   */
  | {
      readonly do: 'set-link';
      readonly netns?: string;
      readonly name: string;
      readonly up?: boolean;
      readonly mtu?: number;
      readonly mac?: string;
      readonly bridge?: string | null;
      readonly alias?: string;
      readonly hairpin?: boolean;
      readonly learning?: boolean;
      readonly flood?: boolean;
      readonly neighSuppress?: boolean;
      readonly isolated?: boolean;
    }
  | {
      readonly do: 'ensure-address';
      readonly netns?: string;
      readonly link: string;
      readonly address: Address;
    }
  | {
      readonly do: 'delete-address';
      readonly netns?: string;
      readonly link: string;
      readonly address: Address;
    }
  | {
      readonly do: 'ensure-route';
      readonly netns?: string;
      readonly to: Address;
      readonly via?: string;
      readonly link?: string;
    }
  | {
      readonly do: 'delete-route';
      readonly netns?: string;
      readonly to: Address;
      readonly via?: string;
      readonly link?: string;
    }
  /**
   * Limits what leaves by a link and what arrives by it; null = no limit. `detour` names the link (of kind `ifb`, in
   * the same namespace) that arriving packets wait on: it is there only while they are limited. A change keeps what is
   * queued. A link that is gone has no limits, and the step removes its detour.
   */
  | {
      readonly do: 'limit-link';
      readonly netns?: string;
      readonly name: string;
      readonly leaving: Bucket | null;
      readonly arriving: Bucket | null;
      readonly detour: { readonly name: string; readonly alias: string };
    }
  /** `key` below /proc/sys with slashes, e.g. `net/ipv4/ip_forward`. */
  | { readonly do: 'sysctl'; readonly netns?: string; readonly key: string; readonly value: string }
  /** Sends one Ethernet frame (hexadecimal digits) out of the link; a bridge passes it on to its ports. */
  | { readonly do: 'send-frame'; readonly netns?: string; readonly name: string; readonly frame: string }
  /**
   * Ends connections whose address is translated as none of `except` says: all of the namespace's, or those of one
   * external address. Whoever translates names both ends of its connections' lives: a translation made at a
   * connection's beginning stays with it.
   */
  | {
      readonly do: 'end-connections';
      readonly netns?: string;
      readonly address?: string;
      readonly except: readonly Translation[];
    }
  /**
   * Ends flows whose first packet went to one of these ports of the namespace's own addresses: what becomes of their
   * packets was decided by translations that are others now. A datagram does not begin anew, as TCP does.
   */
  | {
      readonly do: 'end-flows';
      readonly netns?: string;
      readonly ports: readonly { readonly protocol: number; readonly port: number }[];
    }
  /** An nftables script, applied as one transaction. */
  | { readonly do: 'nft'; readonly netns?: string; readonly script: string };

export type KernelStepOf<Do extends KernelStep['do']> = Extract<KernelStep, { readonly do: Do }>;

/** One way to do each kind of step: what an implementation is made of. */
export type StepTable = { readonly [Do in KernelStep['do']]: (step: KernelStepOf<Do>) => void };

/** Does a step by its entry in the table. */
export function runStep<Do extends KernelStep['do']>(table: StepTable, step: KernelStepOf<Do>): void {
  // TypeScript does not connect the table's entry with the step that chose it.
  (table[step.do] as (step: KernelStepOf<Do>) => void)(step);
}

export interface KernelLink {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge`, `vxlan`, `loopback` …; empty = a device without a kind. */
  readonly kind: string;
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly alias: string;
  /** Name of the bridge it is a port of. */
  readonly bridge?: string;
}

export interface KernelAddress {
  readonly link: string;
  readonly address: Address;
}

export interface KernelRoute {
  readonly to: Address;
  readonly via?: string;
  readonly link?: string;
}

/** What `limit-link` left on a link; links without any limit have none. */
export interface KernelLimit {
  readonly link: string;
  /** Of what leaves by it; null = no limit. */
  readonly bytesPerSecond: number | null;
  /** Whether what arrives by it takes a detour. */
  readonly isDetoured: boolean;
}

export interface Kernel {
  /** Throws `kernel-error`, naming the failed step and the kernel's reason. */
  apply(steps: readonly KernelStep[]): Promise<void>;
  namespaces(): Promise<string[]>;
  links(netns?: string): Promise<KernelLink[]>;
  addresses(netns?: string): Promise<KernelAddress[]>;
  routes(netns?: string): Promise<KernelRoute[]>;
  limits(netns?: string): Promise<KernelLimit[]>;
  /** What a tunnel's end was told with `ensure-peer`, by MAC address. */
  peers(link: string, netns?: string): Promise<KernelPeer[]>;
  /** The ruleset as `nft -j list …` prints it, parsed; `what` e.g. `ruleset`, `table inet berth`. Undefined when absent. */
  nftables(what: string, netns?: string): Promise<unknown>;
  /** The same as text, as `nft --stateless list ruleset` prints it: for comparison, and for people. */
  rules(netns?: string): Promise<string>;
  readSysctl(key: string, netns?: string): Promise<string>;
  /**
   * A socket in a namespace, bound, and listening if it is TCP: its descriptor, which is the caller's to close. An open
   * one keeps the namespace alive.
   */
  openSocket(what: SocketRequest, netns?: string): Promise<number>;
  close(): Promise<void>;
}

/** The network namespace that a process is in, as `netns` of a step. */
export function namespaceOfProcess(pid: number): string {
  return `/proc/${pid}/ns/net`;
}
