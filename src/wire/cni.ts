/**
 * Between `berth-cni`, a new process per call of a container runtime, and the agent of the host: one line of JSON each way
 * per connection on the socket `cni.sock` in the state folder (mode 0600). Results and errors are those of the CNI
 * specification 1.1.0, sections 3 to 5; the executable turns them into the version that was asked for.
 *
 * No schema library here: the executable has to start fast, and what it sends is checked where it arrives.
 */
export const cniSocket = 'cni.sock';
/** Folder of deletions that found no agent: a file each, done at its next start. */
export const cniPending = 'cni-pending';

export type CniVerb = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS';

export type CniJson = { readonly [key: string]: unknown };

export interface CniRequest {
  readonly verb: CniVerb;
  /** CNI_CONTAINERID, CNI_IFNAME, CNI_NETNS; empty where the verb has none. */
  readonly containerId: string;
  readonly ifname: string;
  readonly netns: string;
  /** CNI_ARGS. */
  readonly args: Readonly<Record<string, string>>;
  /** The network configuration from stdin. */
  readonly config: CniJson;
  /** What the configuration's IPAM plugin answered to ADD; null = there is none. */
  readonly ipam: CniResult | null;
}

export interface CniInterface {
  readonly name: string;
  readonly mac: string;
  readonly mtu?: number;
  readonly sandbox?: string;
}

export interface CniAddress {
  /** With prefix length. */
  readonly address: string;
  readonly gateway?: string;
  /** Index into `interfaces`. */
  readonly interface?: number;
}

export interface CniRoute {
  readonly dst: string;
  readonly gw?: string;
}

export interface CniDns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

export interface CniResult {
  readonly interfaces?: readonly CniInterface[];
  readonly ips?: readonly CniAddress[];
  readonly routes?: readonly CniRoute[];
  readonly dns?: CniDns;
}

export interface CniError {
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

export type CniReply = { readonly result: CniResult | null } | { readonly error: CniError };

/** The specification's numbers, and from 100 up our own. */
export const cniCode = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidConfig: 7,
  tryAgainLater: 11,
  notAvailable: 50,
  /** The interface or the attachment is there already. */
  exists: 100,
  /** CHECK found something else than was made. */
  differs: 101,
  /** The network service or the kernel refused. */
  refused: 102,
} as const;

export class CniFailure extends Error {
  readonly code: number;
  readonly details: string | undefined;

  constructor(code: number, message: string, details?: string) {
    super(message);
    this.code = code;
    this.details = details;
  }

  toError(): CniError {
    return {
      code: this.code,
      msg: this.message,
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}
