/**
 * Our keys of a network configuration, and what the runtime asks for in three other places. Unknown keys are somebody
 * else's. Where the same thing is said twice, `runtimeConfig` comes before `args.cni`, that before CNI_ARGS (CNI's
 * conventions, "dynamic plugin specific fields").
 */
import { isIP } from 'node:net';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { CniFailure, type CniRequest, cniCode } from '../../wire/cni.ts';
import {
  type AskedHostPort,
  type AskedLimits,
  BandwidthShape,
  hostPortsOf,
  limitsOf,
  PortMappingsShape,
} from './capabilities.ts';

const Text = Type.String({ minLength: 1, maxLength: 255 });
const Texts = Type.Optional(Type.Array(Text));

const Shape = Type.Object({
  name: Text,
  /** Name or id; may be left out where the project has one network only. */
  network: Type.Optional(Text),
  /** Names or ids of subnets of the network: at most one address of each. */
  subnets: Texts,
  /** Name or id of a port that is there already; it is freed, not deleted. */
  port: Type.Optional(Text),
  /** Names or ids; left out = the project's default group. */
  securityGroups: Texts,
  /** Whether the interface carries the default route. */
  defaultGateway: Type.Optional(Type.Boolean()),
  dns: Type.Optional(
    Type.Object({
      nameservers: Texts,
      domain: Type.Optional(Type.String()),
      search: Texts,
      options: Texts,
    }),
  ),
  runtimeConfig: Type.Optional(
    Type.Object({
      ips: Texts,
      mac: Type.Optional(Text),
      dns: Type.Optional(Type.Object({ servers: Texts, searches: Texts, options: Texts })),
      portMappings: Type.Optional(Type.Union([PortMappingsShape, Type.Null()])),
      bandwidth: Type.Optional(Type.Union([BandwidthShape, Type.Null()])),
    }),
  ),
  args: Type.Optional(
    Type.Object({ cni: Type.Optional(Type.Object({ ips: Texts, mac: Type.Optional(Text) })) }),
  ),
  prevResult: Type.Optional(Type.Unknown()),
  'cni.dev/valid-attachments': Type.Optional(
    Type.Array(Type.Object({ containerID: Type.String(), ifname: Type.String() })),
  ),
});
export type Configuration = Static<typeof Shape>;

const checker = Compile(Shape);

/** Throws code 7 naming the key and its value. */
export function parseConfiguration(config: unknown): Configuration {
  if (checker.Check(config)) return config;
  const [first] = checker.Errors(config);
  const path = (first?.instancePath ?? '').slice(1).replaceAll('/', '.');
  const value = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], config);
  throw new CniFailure(
    cniCode.invalidConfig,
    `${path || 'the configuration'}: ${first?.message ?? 'is wrong'}, not ${JSON.stringify(value)?.slice(0, 100)}`,
  );
}

export interface Asked {
  /** Without prefix length. */
  readonly addresses: readonly string[];
  readonly macAddress: string | undefined;
  /** A name for the resolver: that of the pod, where there is one. */
  readonly dnsName: string | undefined;
  readonly hostPorts: readonly AskedHostPort[];
  readonly limits: AskedLimits;
}

export function askedOf({ args, ipam }: CniRequest, { runtimeConfig, args: named }: Configuration): Asked {
  const given = ipam?.ips?.map(({ address }) => address);
  const fromArgs = args.IP === undefined ? [] : args.IP.split(',');
  const addresses = given ?? runtimeConfig?.ips ?? named?.cni?.ips ?? fromArgs;
  return {
    addresses: addresses.map(parseAddress),
    macAddress: (runtimeConfig?.mac ?? named?.cni?.mac ?? args.MAC)?.toLowerCase(),
    dnsName: toLabel(args.K8S_POD_NAME),
    hostPorts: hostPortsOf(runtimeConfig?.portMappings ?? []),
    limits: limitsOf(runtimeConfig?.bandwidth),
  };
}

function parseAddress(text: string): string {
  const address = text.replace(/\/\d+$/, '');
  if (isIP(address) !== 0) return address;
  throw new CniFailure(cniCode.invalidConfig, `${JSON.stringify(text)} is not an IP address`);
}

/** A pod's name is a DNS label already; what is none gives no name. */
function toLabel(name: string | undefined): string | undefined {
  return name !== undefined && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name) ? name : undefined;
}
