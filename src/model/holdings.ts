/** What Docker, or whoever else uses a network driver of ours, has of it on a host at a moment: all else is forgotten. */
export interface Holdings {
  /** Ids of networks, at least all of the driver. */
  readonly networks: ReadonlySet<string>;
  readonly endpoints: readonly HeldEndpoint[];
}

export interface HeldEndpoint {
  readonly id: string;
  readonly macAddress: string;
  /** Of one that stands for no container: the command that frees it, which we cannot. Absent = it is in use. */
  readonly remedy?: string;
}

export function joinHoldings(these: Holdings, those: Holdings): Holdings {
  return {
    networks: new Set([...these.networks, ...those.networks]),
    endpoints: [...these.endpoints, ...those.endpoints],
  };
}
