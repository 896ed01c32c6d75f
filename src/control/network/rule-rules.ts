/**
 * What a rule of a security group must be like: the user's spelling in, one canonical spelling out, so that the
 * same rule cannot exist twice under two names. Pure.
 */
import { addressBits, blockOf, findAddress, findCidr, formatCidr } from '../../ipam/address.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import { ipProtocols, protocolFits, protocolNumber, protocolsWithPorts } from '../../model/ip-protocols.ts';
import type { SecurityGroupRule } from '../../model/network.ts';

export interface RuleDraft {
  readonly projectId?: string;
  readonly securityGroupId: Uuid;
  readonly direction: 'ingress' | 'egress';
  readonly ethertype?: string;
  readonly protocol?: string | null;
  readonly portRangeMin?: number | null;
  readonly portRangeMax?: number | null;
  readonly remoteGroupId?: Uuid | null;
  readonly remoteIpPrefix?: string | null;
  readonly description?: string;
}

type Ethertype = SecurityGroupRule['ethertype'];
type Match = Pick<
  SecurityGroupRule,
  'ethertype' | 'protocol' | 'portRangeMin' | 'portRangeMax' | 'remoteGroupId' | 'remoteIpPrefix'
>;

export function compileRule(draft: RuleDraft): Match {
  const ethertype = compileEthertype(draft.ethertype ?? 'IPv4');
  const protocol = compileProtocol(draft.protocol, ethertype);
  const ports = { min: draft.portRangeMin ?? null, max: draft.portRangeMax ?? null };
  checkPorts(protocol, ethertype, ports);
  const [remoteGroupId, prefix] = [draft.remoteGroupId || null, draft.remoteIpPrefix || null];
  if (remoteGroupId && prefix) {
    throw new Failure('rule-remote-conflict', 'Only remote_ip_prefix or remote_group_id may be provided.');
  }
  return {
    ethertype,
    protocol,
    portRangeMin: ports.min,
    portRangeMax: ports.max,
    remoteGroupId,
    remoteIpPrefix: prefix === null ? null : compilePrefix(prefix, ethertype),
  };
}

function compileEthertype(text: string): Ethertype {
  const known = (['IPv4', 'IPv6'] as const).find((name) => name.toLowerCase() === text.toLowerCase());
  if (known) return known;
  throw new Failure('invalid-rule-ethertype', `ethertype '${text}' is neither IPv4 nor IPv6`);
}

const spellings: Readonly<Record<string, string>> = { icmpv6: 'ipv6-icmp' };

function compileProtocol(given: string | null | undefined, ethertype: Ethertype): string | null {
  const text = given?.toLowerCase() ?? '';
  if (text === '' || text === 'any') return null;
  const name = text === 'icmp' && ethertype === 'IPv6' ? 'ipv6-icmp' : (spellings[text] ?? text);
  if (protocolNumber(name, ethertype) === undefined) {
    throw new Failure(
      'invalid-rule-protocol',
      `Security group rule protocol ${text} not supported: give a number from 0 to 255 or one of ` +
        `${Object.keys(ipProtocols).join(', ')}.`,
    );
  }
  if (!protocolFits(name, ethertype)) {
    throw new Failure('invalid-rule-ethertype', `protocol ${text} does not exist in ${ethertype}`);
  }
  return name;
}

interface Ports {
  readonly min: number | null;
  readonly max: number | null;
}

function checkPorts(protocol: string | null, ethertype: Ethertype, ports: Ports): void {
  if (ports.min === null && ports.max === null) return;
  if (protocol === null) {
    throw new Failure('rule-ports-without-protocol', 'Must also specify protocol if port range is given.');
  }
  const number = protocolNumber(protocol, ethertype);
  if (number === ipProtocols.icmp || number === ipProtocols.icmpv6) {
    checkIcmp(ports);
    return;
  }
  if (number === undefined || !protocolsWithPorts.includes(number)) {
    throw new Failure('invalid-rule-ports', `protocol ${protocol} has no ports: leave out the port range`);
  }
  const inRange = (port: number | null): port is number => port !== null && port >= 1 && port <= 65_535;
  if (inRange(ports.min) && inRange(ports.max) && ports.min <= ports.max) return;
  throw new Failure(
    'invalid-rule-ports',
    `port range ${ports.min} to ${ports.max}: give port_range_min and port_range_max from 1 to 65535, the smaller first`,
  );
}

/** For ICMP the range is type and code, 0 to 255; a code needs a type. */
function checkIcmp({ min, max }: Ports): void {
  const isByte = (value: number | null) => value === null || (value >= 0 && value <= 255);
  if (min !== null && isByte(min) && isByte(max)) return;
  throw new Failure(
    'invalid-rule-ports',
    `ICMP type ${min} and code ${max}: give port_range_min (type) and port_range_max (code) from 0 to 255`,
  );
}

function compilePrefix(text: string, ethertype: Ethertype): string {
  const address = findAddress(text);
  const cidr = address ? blockOf(address, addressBits[address.version]) : findCidr(text);
  if (!cidr) throw new Failure('invalid-value', `remote_ip_prefix '${text}' is not an address or a CIDR`);
  if (ethertype !== `IPv${cidr.version}`) {
    throw new Failure('invalid-rule-ethertype', `Conflicting value ethertype ${ethertype} for CIDR ${text}`);
  }
  return formatCidr(cidr);
}
