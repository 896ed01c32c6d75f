/**
 * What a rule of a security group must be like: the user's spelling in, one canonical spelling out, so that the
 * same rule cannot exist twice under two names. Pure.
 */
import {
  addressBits,
  blockOf,
  canonicalAddress,
  findAddress,
  findCidr,
  formatCidr,
} from '../../ipam/address.ts';
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
  readonly remoteAddressGroupId?: Uuid | null;
  readonly remoteIpPrefix?: string | null;
  readonly description?: string;
}

type Ethertype = SecurityGroupRule['ethertype'];
type Match = Pick<
  SecurityGroupRule,
  | 'ethertype'
  | 'protocol'
  | 'portRangeMin'
  | 'portRangeMax'
  | 'remoteGroupId'
  | 'remoteAddressGroupId'
  | 'remoteIpPrefix'
  | 'givenIpPrefix'
>;

export function compileRule(draft: RuleDraft): Match {
  const ethertype = compileEthertype(draft.ethertype ?? 'IPv4');
  const protocol = compileProtocol(draft.protocol, ethertype);
  const ports = { min: draft.portRangeMin ?? null, max: draft.portRangeMax ?? null };
  checkPorts(protocol, ethertype, ports);
  const remotes = [draft.remoteGroupId, draft.remoteAddressGroupId, draft.remoteIpPrefix];
  if (remotes.filter(Boolean).length > 1) {
    throw new Failure(
      'rule-remote-conflict',
      'Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.',
    );
  }
  return {
    ethertype,
    protocol,
    portRangeMin: ports.min,
    portRangeMax: ports.max,
    remoteGroupId: draft.remoteGroupId || null,
    remoteAddressGroupId: draft.remoteAddressGroupId || null,
    ...compilePrefix(draft.remoteIpPrefix || null, ethertype),
  };
}

function compileEthertype(text: string): Ethertype {
  const known = (['IPv4', 'IPv6'] as const).find((name) => name.toLowerCase() === text.toLowerCase());
  if (known) return known;
  throw new Failure(
    'unknown-rule-ethertype',
    `Security group rule for ethertype '${text}' not supported. Allowed values are ['IPv4', 'IPv6'].`,
  );
}

const protocolNames = Object.keys(ipProtocols)
  .map((name) => `'${name}'`)
  .join(', ');

const spellings: Readonly<Record<string, string>> = { icmpv6: 'ipv6-icmp' };

function compileProtocol(given: string | null | undefined, ethertype: Ethertype): string | null {
  const text = given?.toLowerCase() ?? '';
  if (text === '' || text === 'any') return null;
  const name = text === 'icmp' && ethertype === 'IPv6' ? 'ipv6-icmp' : (spellings[text] ?? text);
  if (protocolNumber(name, ethertype) === undefined) {
    throw new Failure(
      'invalid-rule-protocol',
      `Security group rule protocol ${text} not supported. Only protocol values [None, ${protocolNames}] and ` +
        'integer representations [0 to 255] are supported.',
    );
  }
  if (!protocolFits(name, ethertype)) {
    throw new Failure('rule-protocol-conflict', `Invalid ethertype ${ethertype} for protocol ${text}.`);
  }
  return name;
}

interface Ports {
  readonly min: number | null;
  readonly max: number | null;
}

function checkPorts(protocol: string | null, ethertype: Ethertype, ports: Ports): void {
  if (ports.min === null && ports.max === null) return;
  const beyond = [ports.min, ports.max].find((port) => port !== null && (port < 0 || port > 65_535));
  if (beyond != null) refusePort(beyond);
  if (protocol === null) {
    throw new Failure('rule-ports-without-protocol', 'Must also specify protocol if port range is given.');
  }
  const number = protocolNumber(protocol, ethertype);
  if (number === ipProtocols.icmp || number === ipProtocols.icmpv6) {
    checkIcmp(ports);
    return;
  }
  if (number === undefined || !protocolsWithPorts.includes(number)) {
    throw new Failure(
      'rule-protocol-without-ports',
      `Ports cannot be specified for protocol ${protocol}. Ports are only supported for DCCP, SCTP, TCP, UDP, UDPLITE.`,
    );
  }
  if (ports.min === 0 || ports.max === 0) refusePort(0);
  if (ports.min !== null && ports.max !== null && ports.min <= ports.max) return;
  throw new Failure('invalid-rule-ports', 'For TCP/UDP protocols, port_range_min must be <= port_range_max');
}

function refusePort(port: number): never {
  throw new Failure('invalid-rule-port', `Invalid value for port ${port}`);
}

/** For ICMP the range is type and code, 0 to 255; a code needs a type. */
function checkIcmp({ min, max }: Ports): void {
  const fields = [
    ['type', 'port_range_min', min],
    ['code', 'port_range_max', max],
  ] as const;
  for (const [field, attribute, value] of fields) {
    if (value === null || value <= 255) continue;
    throw new Failure(
      'invalid-rule-icmp',
      `Invalid value for ICMP ${field} (${attribute}) ${value}. It must be 0 to 255.`,
    );
  }
  if (min !== null) return;
  throw new Failure(
    'rule-icmp-without-type',
    `ICMP code (port-range-max) ${max} is provided but ICMP type (port-range-min) is missing.`,
  );
}

type Prefixes = Pick<SecurityGroupRule, 'remoteIpPrefix' | 'givenIpPrefix'>;

function compilePrefix(text: string | null, ethertype: Ethertype): Prefixes {
  if (text === null) return { remoteIpPrefix: null, givenIpPrefix: null };
  const address = findAddress(text);
  const cidr = address ? blockOf(address, addressBits[address.version]) : findCidr(text);
  if (!cidr) throw new Failure('invalid-cidr', `Invalid CIDR ${text} given as IP prefix.`);
  if (ethertype !== `IPv${cidr.version}`) {
    throw new Failure('invalid-rule-ethertype', `Conflicting value ethertype ${ethertype} for CIDR ${text}`);
  }
  const [given = ''] = text.split('/', 1);
  return {
    remoteIpPrefix: formatCidr(cidr),
    givenIpPrefix: `${canonicalAddress(given)}/${cidr.prefix}`,
  };
}
