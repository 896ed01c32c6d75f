/** `berth port trace`: hop by hop where a packet would go, which rule decides, and what would let it through. */
import { isIP } from 'node:net';
import type { Cloud } from '../../client/cloud.ts';
import type {
  FloatingIpObject,
  NetworkApi,
  NetworkCollection,
  NetworkObject,
  PortObject,
  TraceStepView,
  TraceView,
} from '../../client/networks.ts';
import { define, type Setting } from '../define.ts';
import { exitCodes } from '../explain.ts';
import { findPort } from '../find.ts';
import { UsageError } from '../usage-error.ts';

const outside = 'outside';

interface Options {
  readonly from?: string;
  readonly format?: string;
}

export function defineTrace(setting: Setting): void {
  define<Options>(setting, {
    usage: 'port trace <from> <to> [what]',
    summary: 'tell where a packet would go and which rule lets it through or drops it',
    options: [['--from <address>', 'another address of the sender than its own']],
    prints: true,
    examples: [
      'berth port trace web db tcp/5432     # containers, ports or addresses',
      'berth port trace outside web tcp/80  # from outside of the cloud; exit code 1 = dropped',
      'berth port trace web 192.0.2.1 icmp',
    ],
    run: async ({ cloud, operands, options, out }) => {
      const [from = '', to = '', what = 'icmp'] = operands;
      const service = serviceOf(what);
      const session = await cloud();
      const sender = from === outside ? undefined : await findPort(session, from);
      const trace = await session.networks.trace({
        ...(sender ? { from_port_id: sender.id } : {}),
        ...senderAddress(from, options.from),
        ...(await targetOf(session, to, { isOutside: !sender, service })),
        ...service,
      });
      if (options.format && options.format !== 'table') await out.record({ ...trace });
      else out.raw(await story(session.networks, trace, { from, to, what, service }));
      return trace.passes ? exitCodes.done : exitCodes.failed;
    },
  });
}

interface Service {
  readonly protocol: string;
  readonly port?: number;
  readonly icmp_type?: number;
  readonly icmp_code?: number;
}

/** `tcp/80`, `80/tcp`, `icmp`, `icmp/8/0`, `gre`. */
export function serviceOf(text: string): Service {
  const words = text.toLowerCase().split('/');
  const [protocol = '', first, second, ...more] = /^\d+$/.test(words[0] ?? '') ? words.toReversed() : words;
  const numbers = [first, second].filter((word) => word !== undefined);
  if (!/^[a-z]/.test(protocol) || more.length > 0 || numbers.some((word) => !/^\d+$/.test(word))) {
    throw new UsageError(`${text}: expected tcp/PORT, udp/PORT, icmp, icmp/TYPE/CODE or a protocol`);
  }
  const [one, two] = numbers.map(Number);
  if (protocol.startsWith('icmp') || protocol === 'ipv6-icmp') {
    return {
      protocol,
      ...(one === undefined ? {} : { icmp_type: one }),
      ...(two === undefined ? {} : { icmp_code: two }),
    };
  }
  return { protocol, ...(one === undefined ? {} : { port: one }) };
}

/** An address that was named as the sender is what the packet comes from. */
function senderAddress(from: string, given: string | undefined) {
  if (given !== undefined) return { from_address: given };
  return isIP(from) ? { from_address: from } : {};
}

/** For somebody outside a container is where its floating IP or its forwarded port is. */
async function targetOf(
  cloud: Cloud,
  to: string,
  { isOutside, service }: { readonly isOutside: boolean; readonly service: Service },
) {
  if (isIP(to)) return { to_address: to };
  const port = await findPort(cloud, to);
  if (!isOutside) return { to_port_id: port.id };
  const [floating] = await cloud.networks.list<FloatingIpObject>('floatingips', { port_id: port.id });
  if (floating) return { to_address: floating.floating_ip_address };
  for (const shared of await cloud.networks.list<FloatingIpObject>('floatingips')) {
    const forwarding = (await cloud.networks.forwardings(shared)).find(
      (one) => one.internal_port_id === port.id && one.internal_port === service.port,
    );
    if (forwarding) return { to_address: shared.floating_ip_address, port: forwarding.external_port };
  }
  return { to_port_id: port.id };
}

// ---- the story --------------------------------------------------------------------------------------------------

interface Asked {
  readonly from: string;
  readonly to: string;
  readonly what: string;
  readonly service: Service;
}

const collections: Readonly<Record<string, NetworkCollection>> = {
  port: 'ports',
  network: 'networks',
  router: 'routers',
};

async function story(networks: NetworkApi, trace: TraceView, asked: Asked): Promise<string> {
  const objects = await objectsOf(networks, trace);
  const nameOf = ({ at, id }: TraceStepView) => (id ? `${at} ${objects.get(id)?.name || id}` : at);
  const width = Math.max(...trace.steps.map((step) => nameOf(step).length + step.what.length));
  const lines = trace.steps.map((step) => {
    const where = nameOf(step);
    const gap = ' '.repeat(width - where.length - step.what.length);
    const rule = step.security_group_rule_id ? ` [rule ${step.security_group_rule_id}]` : '';
    return `${step.passes ? '✓' : '✗'} ${where} ${step.what}${gap}  ${step.text}${rule}`;
  });
  const verdict = trace.passes ? 'allowed' : 'dropped';
  const hint = trace.passes ? undefined : hintFor(trace, asked, objects);
  return [
    ...lines,
    '',
    `${verdict}: ${asked.what} from ${asked.from} to ${asked.to}`,
    ...(hint ? [`to allow it: ${hint}`] : []),
    '',
  ].join('\n');
}

async function objectsOf(networks: NetworkApi, { steps }: TraceView): Promise<Map<string, NetworkObject>> {
  const found = await Promise.all(
    Object.entries(collections).map(async ([place, collection]) => {
      const ids = [...new Set(steps.flatMap(({ at, id }) => (at === place && id ? [id] : [])))];
      return ids.length > 0 ? networks.list(collection, { id: ids }) : [];
    }),
  );
  return new Map(found.flat().map((object) => [object.id, object]));
}

/** Undefined where only somebody else could help. */
function hintFor(
  { steps, packet }: TraceView,
  { service, to }: Asked,
  objects: ReadonlyMap<string, NetworkObject>,
): string | undefined {
  const step = steps.at(-1);
  const object = step?.id ? objects.get(step.id) : undefined;
  if (step?.at === 'outside' && step.what === 'route') return `berth expose ${to} ${service.port ?? 'PORT'}`;
  if (!step || !object) return undefined;
  const name = object.name || object.id;
  const isV6 = String(packet?.source).includes(':');
  const hints: Readonly<Record<string, string>> = {
    'port ingress': allowing(object as PortObject, step, { service, isV6 }),
    'port egress': allowing(object as PortObject, step, { service, isV6 }),
    'port state': `berth port set --enable ${name}`,
    'port route': 'berth router create --gateway ROUTER, and berth router add-subnet ROUTER SUBNET',
    'router state': `berth router set --enable ${name}`,
    'router route': `berth router gateway set ${name}`,
    'router forward': `berth expose ${to} ${service.port ?? 'PORT'}`,
  };
  return hints[`${step.at} ${step.what}`];
}

function allowing(
  port: PortObject,
  { what }: TraceStepView,
  { service, isV6 }: { readonly service: Service; readonly isV6: boolean },
): string {
  const { protocol, port: number, icmp_type: type } = service;
  const [group] = (port.security_groups ?? []) as readonly string[];
  if (!group) return `berth port set --security-group GROUP ${port.id}`;
  return [
    `berth security-group rule create ${group}`,
    ...(what === 'egress' ? ['--egress'] : []),
    `--protocol ${protocol}`,
    ...(number === undefined ? [] : [`--dst-port ${number}`]),
    ...(type === undefined ? [] : [`--icmp-type ${type}`]),
    ...(isV6 ? ['--ethertype IPv6'] : []),
  ].join(' ');
}
