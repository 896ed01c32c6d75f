/**
 * A small working model of a planned router: its ruleset as text, rule by rule, and the routes that its steps make. Says
 * what becomes of the first packet of a connection. Knows the words that src/network/plan writes, and refuses any other.
 */
import assert from 'node:assert/strict';
import type { RouterPlan } from '../../src/network/plan/router.ts';
import { elementsOf, type NftTable } from '../../src/network/plan/ruleset.ts';
import { covers, readAddresses } from '../../src/network/plan/words.ts';

export interface RouterPacket {
  /** The link it comes in by. */
  readonly link: string;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly port: number;
}

export type Fate =
  | { readonly kind: 'dropped' | 'answered' }
  | { readonly kind: 'sent'; readonly link: string; readonly packet: RouterPacket };

interface Flow {
  packet: RouterPacket;
  out: string;
  isTranslated: boolean;
}

export function fateOf(plan: RouterPlan, packet: RouterPacket): Fate {
  const [table] = plan.ruleset;
  assert.ok(table);
  const flow: Flow = { packet, out: '', isTranslated: false };
  run(table, 'prerouting', flow);
  const { destination } = flow.packet;
  const isOwn = plan.steps.some(
    (step) => step.do === 'ensure-address' && step.address.replace(/\/.*/, '') === destination,
  );
  if (isOwn) return { kind: run(table, 'input', flow) === 'accept' ? 'answered' : 'dropped' };
  const out = routeOf(plan, destination);
  if (out === undefined) return { kind: 'dropped' };
  flow.out = out;
  if (run(table, 'forward', flow) !== 'accept') return { kind: 'dropped' };
  run(table, 'postrouting', flow);
  return { kind: 'sent', link: out, packet: flow.packet };
}

/** Longest prefix; a link's own prefix before a route as long. */
function routeOf({ steps, netns }: RouterPlan, address: string): string | undefined {
  const wanted = readAddresses(address);
  const near = steps.flatMap((step) =>
    step.do === 'ensure-address' && step.netns === netns ? [{ to: step.address, link: step.link }] : [],
  );
  const linkTo = (via: string) => near.find(({ to }) => covers(readAddresses(to), readAddresses(via)))?.link;
  const far = steps.flatMap((step) =>
    step.do === 'ensure-route' ? [{ to: step.to, link: step.link ?? linkTo(step.via ?? '') }] : [],
  );
  const size = (to: string) => readAddresses(to).last - readAddresses(to).first;
  return [...near, ...far]
    .filter(({ to }) => covers(readAddresses(to), wanted))
    .sort((a, b) => (size(a.to) < size(b.to) ? -1 : size(a.to) > size(b.to) ? 1 : 0))[0]?.link;
}

type Verdict = 'accept' | 'drop' | undefined;

/** NAT chains end at the first rule that translates. */
function run(table: NftTable, name: string, flow: Flow): Verdict {
  const chain = table.chains.get(name);
  assert.ok(chain, `chain ${name}`);
  for (const rule of chain.rules) {
    const verdict = judge(table, rule, flow);
    if (verdict) return verdict;
  }
  return chain.hook?.includes('policy accept') ? 'accept' : 'drop';
}

function judge(table: NftTable, rule: string, flow: Flow): Verdict {
  let rest = rule;
  while (rest !== '') {
    const word = words.find(([pattern]) => pattern.test(rest));
    assert.ok(word, `cannot read "${rest}" in "${rule}"`);
    const [pattern, meaning] = word;
    const [whole = '', ...parts] = pattern.exec(rest) ?? [];
    const effect = meaning({ table, flow }, parts);
    if (effect === false) return undefined;
    if (effect !== true) return effect;
    rest = rest.slice(whole.length).trimStart();
  }
  return undefined;
}

interface At {
  readonly table: NftTable;
  readonly flow: Flow;
}

function elements({ table }: At, set = ''): ReadonlyMap<string, string> {
  const found = table.sets.get(set);
  assert.ok(found, `set ${set}`);
  return new Map(elementsOf(found));
}

const side = ({ flow }: At, name?: string) =>
  name === 'saddr' ? flow.packet.source : flow.packet.destination;
const isIn = (at: At, set: string | undefined, address: string) =>
  [...elements(at, set).keys()].some((key) => covers(readAddresses(key), readAddresses(address)));
const familyOf = (address: string) => (address.includes(':') ? 'ip6' : 'ip');

function translate(at: At, end: 'source' | 'destination', to: string | undefined): Verdict | false {
  if (to === undefined) return false;
  const [address = '', port] = to.split(' . ');
  at.flow.packet = { ...at.flow.packet, [end]: address, ...(port ? { port: Number(port) } : {}) };
  if (end === 'destination') at.flow.isTranslated = true;
  return 'accept';
}

type Word = readonly [RegExp, (at: At, parts: readonly string[]) => boolean | Verdict];

const words: readonly Word[] = [
  [/^counter\b/, () => true],
  [/^(accept|drop)/, (_, [verdict]) => verdict as Verdict],
  [/^ct state vmap \{.*?\}/, () => true],
  // The first packet of a connection: neither known nor out of place.
  [/^ct state (?:established,related|invalid)/, () => false],
  [/^ct status dnat/, ({ flow }) => flow.isTranslated],
  [
    /^meta l4proto \{(.*?)\}/,
    ({ flow }, [list = '']) => list.split(',').map(Number).includes(flow.packet.protocol),
  ],
  [/^meta nfproto ipv(\d)/, (at, [v]) => side(at).includes(':') === (v === '6')],
  [/^iifname != (\S+)/, ({ flow }, [link]) => flow.packet.link !== link],
  [/^iifname (\S+)/, ({ flow }, [link]) => flow.packet.link === link],
  [/^oifname (\S+)/, ({ flow }, [link]) => flow.out === link],
  [
    /^(ip6?) (saddr|daddr) @(\S+)/,
    (at, [family, name, set]) => familyOf(side(at, name)) === family && isIn(at, set, side(at, name)),
  ],
  [
    /^dnat ip6? to ip6? daddr \. meta l4proto \. th dport map @(\S+)/,
    (at, [set]) => {
      const { destination, protocol, port } = at.flow.packet;
      return translate(at, 'destination', elements(at, set).get(`${destination} . ${protocol} . ${port}`));
    },
  ],
  [
    /^dnat ip6? to ip6? daddr map @(\S+)/,
    (at, [set]) => translate(at, 'destination', elements(at, set).get(side(at))),
  ],
  [
    /^snat ip6? to ip6? saddr map @(\S+)/,
    (at, [set]) => translate(at, 'source', elements(at, set).get(side(at, 'saddr'))),
  ],
  [/^snat ip6? to (\S+) fully-random/, (at, [address]) => translate(at, 'source', address)],
  [/^icmp type 8/, ({ flow }) => flow.packet.protocol === 1 && flow.packet.port === 8],
  [
    /^icmpv6 type \{(.*?)\}/,
    ({ flow }, [list = '']) =>
      flow.packet.protocol === 58 && list.split(',').map(Number).includes(flow.packet.port),
  ],
];
