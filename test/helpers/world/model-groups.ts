/** The meaning of security groups in plain words: a packet passes when one rule of one group permits it. */
import type { Packet } from './packet.ts';
import {
  addressesOf,
  versionOf,
  type World,
  type WorldGroup,
  type WorldPort,
  type WorldRule,
} from './world.ts';

const numbers = { tcp: [6, 6], udp: [17, 17], icmp: [1, 58] } as const;

export class Groups {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  isStateful(port: WorldPort): boolean {
    const groups = this.#of(port);
    return groups.length === 0 || groups.some(({ stateful }) => stateful);
  }

  permit(port: WorldPort, direction: WorldRule['direction'], packet: Packet): boolean {
    const peer = direction === 'ingress' ? packet.from : packet.to;
    return this.#of(port)
      .flatMap(({ rules }) => rules)
      .some((rule) => rule.direction === direction && this.#permits(rule, packet, peer));
  }

  #of(port: WorldPort): WorldGroup[] {
    return this.#world.groups.filter(({ name }) => port.groups.includes(name));
  }

  #permits(rule: WorldRule, packet: Packet, peer: string): boolean {
    const { remoteGroupId, remotePrefix } = rule;
    if (rule.ipVersion !== versionOf(peer)) return false;
    if (remoteGroupId !== null && !this.#members(remoteGroupId).includes(peer)) return false;
    if (remotePrefix !== null && !isIn(remotePrefix, peer)) return false;
    if (rule.protocol === null) return true;
    if (!numbers[packet.protocol].some((number) => number === rule.protocol)) return false;
    if (rule.portMin === null) return true;
    const value = packet.protocol === 'icmp' ? echoType(packet) : packet.port;
    // Of ICMP it is the type alone: worlds have no rules with codes.
    const last = packet.protocol === 'icmp' ? rule.portMin : (rule.portMax ?? rule.portMin);
    return rule.portMin <= value && value <= last;
  }

  #members(group: string): string[] {
    const members = this.#world.ports.filter(({ groups }) => groups.includes(group));
    return members.flatMap((port) => addressesOf(this.#world, port));
  }
}

function echoType({ to, isEchoReply = false }: Packet): number {
  if (versionOf(to) === 4) return isEchoReply ? 0 : 8;
  return isEchoReply ? 129 : 128;
}

/** Of the prefixes that worlds use: /0, whole addresses, and prefixes of /24 and /64 that end at a separator. */
function isIn(prefix: string, address: string): boolean {
  const [base = '', length] = prefix.split('/');
  if (length === '0') return true;
  if (length === '32' || length === '128') return base === address;
  return address.startsWith(base.replace(/0$/, ''));
}
