/** Berth's own extension `berth-diagnostics`: where a packet would go, and whether hosts have what is wanted. */
import type { FastifyInstance } from 'fastify';
import type { HostExamination, ToldStep, ToldTrace, TraceAsk } from '../../control/network/diagnostics.ts';
import {
  boolean,
  integerBetween,
  orNull,
  type Parser,
  record,
  refuse,
  scalarText,
  text,
  uuid,
} from '../../control/network/resource/parsers.ts';
import { protocolNumber, protocolsWithPorts } from '../../model/ip-protocols.ts';
import { type Body, unwrap } from './bodies.ts';
import type { NeutronOptions } from './options.ts';

export function registerDiagnostics(
  app: FastifyInstance,
  { control: { diagnostics } }: NeutronOptions,
): void {
  app.post('/v2.0/berth/trace', async (request) => ({
    trace: traceView(await diagnostics.trace(request.caller, parseTrace(unwrap(request, 'trace')))),
  }));

  app.post('/v2.0/berth/doctor', async (request) => {
    const raw = record(unwrap(request, 'doctor'), 'doctor', ['repair', 'host']);
    const hosts = await diagnostics.examine(request.caller, {
      repair: boolean.parse(raw.repair ?? false, 'repair'),
      ...(raw.host == null ? {} : { host: text.parse(raw.host, 'host') }),
    });
    return { doctor: { hosts: hosts.map(examinationView) } };
  });
}

function examinationView({ host, networks, findings, error }: HostExamination) {
  return {
    host,
    networks,
    findings: findings.map(({ where, text: said, isRepaired }) => ({
      where,
      text: said,
      is_repaired: isRepaired,
    })),
    error,
  };
}

const portNumber = integerBetween(0, 65_535);
const byte = integerBetween(0, 255);
const keys = [
  'from_port_id',
  'from_address',
  'to_port_id',
  'to_address',
  'protocol',
  'port',
  'source_port',
  'icmp_type',
  'icmp_code',
] as const;
/** What a client's operating system would choose. */
const usualSourcePort = 49_152;
const echo: Readonly<Record<number, number>> = { 1: 8, 58: 128 };

function parseTrace(body: Body): TraceAsk {
  const raw = record(body, 'trace', keys);
  const given = <T>(key: (typeof keys)[number], parser: Parser<T>): T | undefined =>
    raw[key] === undefined || raw[key] === null ? undefined : parser.parse(raw[key], key);
  const toPortId = given('to_port_id', uuid);
  const toAddress = given('to_address', text);
  if ((toPortId === undefined) === (toAddress === undefined)) {
    refuse('trace', 'exactly one of to_port_id and to_address is needed.');
  }
  const fromAddress = given('from_address', text);
  const protocol = parseProtocol(
    raw.protocol,
    [fromAddress, toAddress].some((one) => one?.includes(':')),
  );
  const isPorted = protocolsWithPorts.includes(protocol);
  const port = isPorted ? given('port', portNumber) : (given('icmp_type', byte) ?? echo[protocol] ?? 0);
  if (port === undefined) refuse('port', 'this protocol needs a port.');
  return {
    fromPortId: orNull(uuid).parse(raw.from_port_id ?? null, 'from_port_id'),
    ...(fromAddress === undefined ? {} : { fromAddress }),
    ...(toPortId === undefined ? {} : { toPortId }),
    ...(toAddress === undefined ? {} : { toAddress }),
    protocol,
    port,
    sourcePort: given('source_port', portNumber) ?? (isPorted ? usualSourcePort : 0),
    code: given('icmp_code', byte) ?? 0,
  };
}

function parseProtocol(value: unknown, isIpv6: boolean): number {
  const number = protocolNumber(scalarText(value).toLowerCase(), isIpv6 ? 'IPv6' : 'IPv4');
  return number ?? refuse('protocol', 'a protocol by name (tcp, udp, icmp …) or number is needed.');
}

function traceView({ passes, steps, packet }: ToldTrace) {
  return {
    passes,
    steps: steps.map(stepView),
    packet: packet && {
      source: packet.source,
      destination: packet.destination,
      protocol: packet.protocol,
      source_port: packet.sourcePort,
      port: packet.port,
      code: packet.code,
    },
  };
}

function stepView({ at, id, what, passes, text: said, groupId, ruleId }: ToldStep) {
  return {
    at,
    id: id || null,
    what,
    passes,
    text: said,
    security_group_id: groupId ?? null,
    security_group_rule_id: ruleId ?? null,
  };
}
