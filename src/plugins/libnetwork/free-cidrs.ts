/** Where networks without a CIDR of their own choice get one: the next free block, never one just given. Pure. */
import { Failure } from '../../model/failure.ts';
import { type Cidr, cidrAt, overlaps, parseCidr } from './cidr.ts';

/** Blocks of one size out of some prefixes. */
export interface Source {
  /** Of the place to go on from. */
  readonly key: string;
  readonly within: readonly Cidr[];
  readonly prefixLength: number;
}

/** 16,384 networks of IPv4, 65,536 of IPv6 (the prefix spells Kuryr). */
export const usualSources: Readonly<Record<4 | 6, Source>> = {
  4: { key: '4', within: [parseCidr('10.192.0.0/10')], prefixLength: 24 },
  6: { key: '6', within: [parseCidr('fd6b:7572:7972::/48')], prefixLength: 64 },
};

/** However large the source is, dockerd does not wait for more. */
const mostTried = 65_536;

export class FreeCidrs {
  /** Onward from the last one: dockerd may have refused it for a route of the host that we do not know. */
  readonly #next = new Map<string, number>();

  choose({ key, within, prefixLength }: Source, taken: readonly Cidr[]): Cidr {
    const counts = within.map((each) => blocksIn(each, prefixLength));
    const count = counts.reduce((sum, each) => sum + each, 0);
    for (let tried = 0; tried < Math.min(count, mostTried); tried += 1) {
      let index = (this.#next.get(key) ?? 0) % count;
      this.#next.set(key, index + 1);
      const prefix = within.find((_, at) => {
        if (index < (counts[at] ?? 0)) return true;
        index -= counts[at] ?? 0;
        return false;
      });
      const candidate = prefix && cidrAt(prefix, index, prefixLength);
      if (candidate && !taken.some((each) => overlaps(each, candidate))) return candidate;
    }
    const where = within.map(({ text }) => text).join(', ');
    throw new Failure('conflict', `no free block of /${prefixLength} within ${where}: give --subnet`);
  }
}

function blocksIn({ prefixLength }: Cidr, wanted: number): number {
  return wanted < prefixLength ? 0 : 2 ** Math.min(wanted - prefixLength, 40);
}
