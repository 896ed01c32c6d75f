/**
 * A small working model of nftables: says whether a ruleset of ours lets the first packet of a connection pass from one
 * link of a bridge to another. Knows the words that src/network/plan writes, and refuses any other.
 */
import assert from 'node:assert/strict';
import { elementsOf, type NftTable, type Ruleset } from '../../src/network/plan/ruleset.ts';
import { covers, readAddresses } from '../../src/network/plan/words.ts';

export interface Packet {
  readonly version: 4 | 6;
  readonly from: { readonly link: string; readonly mac: string; readonly address: string };
  readonly to: { readonly link: string; readonly address: string };
  readonly protocol: number;
  /** ICMP: type and code. */
  readonly sourcePort: number;
  readonly port: number;
  readonly code: number;
}

interface Journey {
  readonly packet: Packet;
  readonly table: NftTable;
  mark: number;
  connectionMark: number;
}

type Verdict = 'accept' | 'drop' | 'return' | undefined;
/** True = goes on with the rest of the rule, false = the rule does not match; a text is a verdict. */
type Effect = boolean | string;
type Word = readonly [pattern: RegExp, meaning: (journey: Journey, ...parts: string[]) => Effect];

export function passes(ruleset: Ruleset, packet: Packet): boolean {
  const table = (family: string) => {
    const found = ruleset.find((one) => one.family === family);
    assert.ok(found, `a table of family ${family}`);
    return found;
  };
  const [bridge, ip] = [table('bridge'), table(packet.version === 4 ? 'ip' : 'ip6')];
  const state = { packet, mark: 0, connectionMark: 0 };
  return (
    [
      [bridge, 'prerouting'],
      [ip, 'egress'],
      [bridge, 'forward'],
      [ip, 'ingress'],
    ] as const
  ).every(([where, chain]) => {
    const journey = { ...state, table: where };
    const verdict = run(journey, chain);
    Object.assign(state, { mark: journey.mark, connectionMark: journey.connectionMark });
    return verdict === 'accept';
  });
}

function run(journey: Journey, name: string): Verdict {
  const chain = journey.table.chains.get(name);
  assert.ok(chain, `chain ${name}`);
  for (const rule of chain.rules) {
    const verdict = runRule(journey, rule);
    if (verdict === 'accept' || verdict === 'drop') return verdict;
    if (verdict === 'return') return undefined;
  }
  return undefined;
}

function runRule(journey: Journey, rule: string): Verdict {
  let rest = rule;
  while (rest !== '') {
    const { effect, length } = readWord(journey, rest, rule);
    rest = rest.slice(length).trimStart();
    if (effect === false) return undefined;
    if (typeof effect !== 'string') continue;
    const [verdict = '', chain = ''] = effect.split(' ');
    if (verdict === 'accept' || verdict === 'drop' || verdict === 'return') return verdict;
    const answer = run(journey, chain);
    // What a goto does not decide falls to the end of the base chain: its policy, drop.
    if (answer || verdict === 'goto') return answer ?? 'drop';
  }
  return undefined;
}

function readWord(journey: Journey, rest: string, rule: string): { effect: Effect; length: number } {
  for (const [pattern, meaning] of words) {
    const found = pattern.exec(rest);
    if (found) return { effect: meaning(journey, ...found.slice(1)), length: found[0].length };
  }
  return assert.fail(`cannot read "${rest}" in "${rule}"`);
}

const field = ({ packet }: Journey, side: string) =>
  side === 'saddr' ? packet.from.address : packet.to.address;
const isIcmp = ({ packet }: Journey) => packet.protocol === (packet.version === 4 ? 1 : 58);

function elements({ table }: Journey, name: string): ReadonlyMap<string, string> {
  const found = table.sets.get(name);
  assert.ok(found, `set ${name}`);
  return new Map(elementsOf(found));
}

function contains(journey: Journey, set: string, address: string, prefix = ''): boolean {
  const wanted = readAddresses(address);
  return [...elements(journey, set).keys()].some(
    (key) => key.startsWith(prefix) && covers(readAddresses(key.slice(prefix.length)), wanted),
  );
}

function look(journey: Journey, map: string, key: string): Effect {
  return elements(journey, map).get(key) ?? false;
}

function markBy(journey: Journey, value: string | undefined): boolean {
  if (value === undefined) return false;
  journey.mark = Number(value);
  return true;
}

function oneOf(list: string, value: number): boolean {
  return list
    .replace(/[{}]/g, '')
    .split(',')
    .some((one) => Number(one) === value);
}

const hexOf = (mark: number) => `0x${mark.toString(16).padStart(8, '0')}`;

const words: readonly Word[] = [
  [/^counter\b/, () => true],
  [/^(accept|drop|return|jump \S+|goto \S+)/, (_, verdict = '') => verdict],
  [/^iifname vmap @(\S+)/, (j, map = '') => look(j, map, j.packet.from.link)],
  [/^meta mark set iifname map @(\S+)/, (j, map = '') => markBy(j, elements(j, map).get(j.packet.from.link))],
  [/^meta mark set oifname map @(\S+)/, (j, map = '') => markBy(j, elements(j, map).get(j.packet.to.link))],
  [/^meta mark set (0x\w+)/, (j, mark) => markBy(j, mark)],
  [/^meta mark vmap @(\S+)/, (j, map = '') => look(j, map, hexOf(j.mark))],
  [/^meta mark (0x\w+)/, (j, mark) => j.mark === Number(mark)],
  [/^ether type (ip6?)(?=\s)/, (j, type) => (j.packet.version === 4) === (type === 'ip')],
  [/^ip6 nexthdr \{(.*?)\}/, (j, list = '') => oneOf(list, j.packet.protocol)],
  [
    /^meta mark set iifname \. ether saddr \. ip6? saddr map @(\S+)/,
    (j, map = '') => {
      const { link, mac, address } = j.packet.from;
      const [, mark] =
        [...elements(j, map)].find(
          ([key]) =>
            key.startsWith(`${link} . ${mac} . `) &&
            covers(readAddresses(key.split(' . ')[2] ?? ''), readAddresses(address)),
        ) ?? [];
      return markBy(j, mark);
    },
  ],
  [/^ether type vmap \{.*?\}/, (j) => (j.packet.version === 4 ? 'goto guard-ip' : 'goto guard-ip6')],
  [/^ether type \{ arp, ip, ip6 \}/, () => true],
  [
    /^iifname \. ether saddr \. ip6? saddr @(\S+)/,
    (j, set = '') =>
      contains(j, set, j.packet.from.address, `${j.packet.from.link} . ${j.packet.from.mac} . `),
  ],
  [
    /^iifname \. ether saddr @(\S+)/,
    (j, set = '') => elements(j, set).has(`${j.packet.from.link} . ${j.packet.from.mac}`),
  ],
  [/^ip6? (saddr|daddr) @(\S+)/, (j, side = '', set = '') => contains(j, set, field(j, side))],
  [
    /^ip6? (saddr|daddr) (\S+)/,
    (j, side = '', text = '') => covers(readAddresses(text), readAddresses(field(j, side))),
  ],
  [/^meta l4proto (\d+)/, (j, protocol) => j.packet.protocol === Number(protocol)],
  [/^udp sport (\d+)/, (j, port) => j.packet.protocol === 17 && j.packet.sourcePort === Number(port)],
  [/^udp dport (\d+)/, (j, port) => j.packet.protocol === 17 && j.packet.port === Number(port)],
  [
    /^th dport (\d+)(?:-(\d+))?/,
    (j, from, to) => j.packet.port >= Number(from) && j.packet.port <= Number(to ?? from),
  ],
  [/^(?:icmp|icmpv6) type (\d+|\{.*?\})/, (j, list = '') => isIcmp(j) && oneOf(list, j.packet.port)],
  [/^(?:icmp|icmpv6) code (\d+)/, (j, code) => isIcmp(j) && j.packet.code === Number(code)],
  // The first packet of a connection: in the state "new".
  [/^ct state vmap \{.*?\}/, () => true],
  [/^ct state established/, () => false],
  [
    /^ct mark set (0x\w+)/,
    (j, mark) => {
      j.connectionMark = Number(mark);
      return true;
    },
  ],
  [/^ct mark (0x\w+)/, (j, mark) => j.connectionMark === Number(mark)],
];
