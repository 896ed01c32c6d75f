/**
 * Where the containers of every network find its resolver: addresses that no subnet of a tenant needs, the same in all
 * networks, each of which is a world of its own. Why these: docs/adr/0015-a-resolver-in-each-network.md.
 */
export const resolverAddress = { 4: '169.254.169.253', 6: 'fd00:a9fe:a9fe::53' } as const;

export const resolverPort = 53;

/** With the prefix length of a single address. */
export function resolverPrefix(version: 4 | 6): string {
  return `${resolverAddress[version]}/${version === 4 ? 32 : 128}`;
}

export function isResolverAddress(address: string): boolean {
  return address === resolverAddress[4] || address === resolverAddress[6];
}
