/**
 * A pool's id, as Docker keeps it: the id of the subnet or subnet pool that stands for it. Of a subnet pool that was
 * there first, and may have subnets of others, a pool is one block: `<subnet pool>@<CIDR>`.
 */
export interface PoolId {
  readonly id: string;
  /** The block of an existing subnet pool. */
  readonly cidr?: string;
}

export function parsePoolId(text: string): PoolId {
  const [id = '', cidr] = text.split('@');
  return cidr === undefined ? { id } : { id, cidr };
}

export function formatPoolId({ id, cidr }: PoolId): string {
  return cidr === undefined ? id : `${id}@${cidr}`;
}

/** Finds the subnets of a pool: each carries the id as a tag, from its creation on. */
export function subnetsOfPool({ id, cidr }: PoolId): Record<string, string> {
  return { tags: id, ...(cidr === undefined ? {} : { cidr }) };
}
