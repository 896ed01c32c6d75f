/** Which ports to publish, as docker writes it: `80`, `8080:80`, `443/tcp`, `5353:53/udp`. Pure. */
import { UsageError } from '../usage-error.ts';

export interface PublishAsk {
  /** Port of the external address. */
  readonly outside: number;
  /** Port of the container. */
  readonly inside: number;
  readonly protocol: 'tcp' | 'udp';
  /** Both ports were named: the external address is shared with others. */
  readonly isForwarded: boolean;
}

export function publishAskOf(text: string): PublishAsk {
  const [, first, second, protocol = 'tcp'] = /^(\d+)(?::(\d+))?(?:\/(tcp|udp))?$/.exec(text) ?? [];
  const [outside, inside] = [Number(first), Number(second ?? first)];
  if (![outside, inside].every((port) => port >= 1 && port <= 65_535)) {
    throw new UsageError(`${text}: expected PORT or OUTSIDE:INSIDE, with /tcp or /udp`);
  }
  return { outside, inside, protocol: protocol as 'tcp' | 'udp', isForwarded: second !== undefined };
}

/** Throws when two of them want the same external port. */
export function publishAsksOf(texts: readonly string[]): PublishAsk[] {
  const asks = texts.map(publishAskOf);
  const keys = asks.map(({ outside, protocol }) => `${outside}/${protocol}`);
  const twice = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twice) throw new UsageError(`${twice} is published twice`);
  return asks;
}
