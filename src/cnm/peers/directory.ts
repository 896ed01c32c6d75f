/**
 * What the hosts of one installation tell each other about global networks: who has which address, and behind which host it
 * is reached. An address is claimed by one host at a time, or by all in common (gateways and reserved addresses).
 */

/** Whose an address is that every host of the network has. */
export const sharedHost = 'shared';

export interface Claim {
  /** CIDR of the pool, and an address of it without prefix length, both canonical. */
  readonly pool: string;
  readonly address: string;
  /** The host's tunnel address, or `sharedHost`. */
  readonly host: string;
  /** Set while the endpoint is in a sandbox: others may send to it. */
  readonly peer: {
    readonly networkId: string;
    readonly endpointId: string;
    readonly macAddress: string;
  } | null;
}

export interface PeerDirectory {
  /** False = another has the address; atomic between hosts. One's own claim is replaced. */
  claim(claim: Claim): Promise<boolean>;
  /** Nothing happens when the address is not this host's. */
  release(claim: Pick<Claim, 'pool' | 'address' | 'host'>): Promise<void>;
  list(): Promise<Claim[]>;
  /** Calls when claims may have changed, also by this host, also once too often. Returns what ends it. */
  watch(changed: () => void): () => void;
  /** Ends its connections; nothing is asked any more. */
  close(): Promise<void>;
}
