/**
 * The bodies of the libnetwork plugin protocol, as dockerd sends them. Unknown keys are allowed, as dockerd grows
 * them; options may be null everywhere; ids are 64 hexadecimal digits, or 25 letters and digits from a swarm.
 */

import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Failure } from '../../model/failure.ts';
import { portOption } from '../../model/host-names.ts';

const Id = Type.String({ pattern: '^([0-9a-f]{64}|[0-9a-z]{25})$' });
const Text = Type.String({ maxLength: 255 });
const Nullable = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const Options = Nullable(Type.Record(Type.String(), Type.Unknown()));
const Texts = Nullable(Type.Record(Type.String(), Type.String()));

const IpamData = Type.Object({
  AddressSpace: Nullable(Text),
  Pool: Text,
  Gateway: Nullable(Text),
  AuxAddresses: Texts,
});

const EndpointIds = { NetworkID: Id, EndpointID: Id };

export const shapes = {
  requestPool: Type.Object({
    AddressSpace: Nullable(Text),
    Pool: Nullable(Text),
    SubPool: Nullable(Text),
    Options: Texts,
    V6: Type.Boolean(),
  }),
  requestAddress: Type.Object({
    PoolID: Type.String({ minLength: 1, maxLength: 255 }),
    Address: Nullable(Text),
    Options: Texts,
  }),
  releaseAddress: Type.Object({ PoolID: Text, Address: Text }),
  releasePool: Type.Object({ PoolID: Text }),
  createNetwork: Type.Object({
    NetworkID: Id,
    Options,
    IPv4Data: Nullable(Type.Array(IpamData)),
    IPv6Data: Nullable(Type.Array(IpamData)),
  }),
  network: Type.Object({ NetworkID: Id }),
  createEndpoint: Type.Object({
    ...EndpointIds,
    Options,
    Interface: Nullable(
      Type.Object({ Address: Nullable(Text), AddressIPv6: Nullable(Text), MacAddress: Nullable(Text) }),
    ),
  }),
  endpoint: Type.Object(EndpointIds),
  /** The sandbox is a path of its namespace, which need not stand yet. */
  join: Type.Object({ ...EndpointIds, SandboxKey: Nullable(Type.String({ maxLength: 4096 })) }),
  program: Type.Object({ ...EndpointIds, Options }),
  any: Type.Record(Type.String(), Type.Unknown()),
} as const;

export type RequestPool = Static<typeof shapes.requestPool>;
export type RequestAddress = Static<typeof shapes.requestAddress>;
export type ReleaseAddress = Static<typeof shapes.releaseAddress>;
export type ReleasePool = Static<typeof shapes.releasePool>;
export type IpamPool = Static<typeof IpamData>;
export type CreateNetwork = Static<typeof shapes.createNetwork>;
export type NetworkRequest = Static<typeof shapes.network>;
export type CreateEndpoint = Static<typeof shapes.createEndpoint>;
export type JoinRequest = Static<typeof shapes.join>;
export type ProgramRequest = Static<typeof shapes.program>;
export type EndpointRequest = Static<typeof shapes.endpoint>;

export const optionKey = {
  port: portOption,
  generic: 'com.docker.network.generic',
  internal: 'com.docker.network.internal',
  mtu: 'com.docker.network.driver.mtu',
  gateway: 'com.docker.network.gateway',
  addressType: 'RequestAddressType',
  macAddress: 'com.docker.network.endpoint.macaddress',
} as const;

/** A parser that throws `invalid` naming the field and its value. */
export function parserOf<T extends TSchema>(shape: T): (body: unknown) => Static<T> {
  const checker = Compile(shape);
  return (body) => {
    if (checker.Check(body)) return body as Static<T>;
    const [first] = checker.Errors(body);
    // Names of options have dots of their own.
    const keys = (first?.instancePath ?? '').split('/').slice(1);
    const path = keys.join('.');
    const value = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], body);
    const shown = JSON.stringify(value)?.slice(0, 100) ?? 'nothing';
    throw new Failure('invalid', `${path || 'the request'}: ${first?.message ?? 'is wrong'}, not ${shown}`);
  };
}
