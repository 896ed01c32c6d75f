/** What attaching and detaching mean for a container's list of networks. Pure. */
import type { Nic, WantedNet } from '../../model/container.ts';
import type { Container, ContainerOperation, OperationArgs } from '../../model/container-record.ts';
import type { ContainerChange } from '../../store/container/codec.ts';

export type NetChange = Pick<ContainerChange, 'nets' | 'nics' | 'portsPhase' | 'revision'>;

interface Without {
  readonly change: Pick<Container, 'nets' | 'nics'>;
  readonly detached: NonNullable<OperationArgs['detached']>;
}

export function withoutNet({ nets, nics }: Container, net: WantedNet): Without {
  const others = <T extends { readonly index: number }>(list: readonly T[]) =>
    list.filter(({ index }) => index !== net.index);
  return {
    change: { nets: others(nets), nics: others(nics) },
    detached: {
      net,
      nic: nics.find(({ index }) => index === net.index) ?? null,
      position: nets.findIndex(({ index }) => index === net.index),
    },
  };
}

/** Nothing when the container is on that network again meanwhile. */
function restored(
  { nets, nics }: Container,
  { net, nic, position }: NonNullable<OperationArgs['detached']>,
): Partial<NetChange> {
  if (nets.some(({ networkId }) => networkId === net.networkId)) return {};
  const all = [...nets.slice(0, position), net, ...nets.slice(position)];
  return { nets: all, nics: inOrderOf(all, nic === null ? nics : [...nics, nic]) };
}

/** Places on networks in the order in which the networks were asked for; others are left out. */
export function inOrderOf(nets: readonly WantedNet[], nics: Container['nics']): Container['nics'] {
  return nets.flatMap((net) => nics.find(({ index }) => index === net.index) ?? []);
}

/** The gateways of these networks alone are asked for as the container's default one. */
export function withGateways(
  { nets, nics }: Container,
  indexes: readonly number[],
): Pick<Container, 'nets' | 'nics'> {
  const marked = <T extends WantedNet | Nic>(list: readonly T[]): readonly T[] =>
    list.map(({ defaultGateway: _, ...rest }) =>
      indexes.includes(rest.index) ? ({ ...rest, defaultGateway: true } as T) : (rest as T),
    );
  return { nets: marked(nets), nics: marked(nics) };
}

/** What follows for the networks when the agent has ended operations on them. */
export function afterEnds(
  container: Container,
  ended: readonly { readonly operation: ContainerOperation; readonly result: 'Success' | 'Error' }[],
): NetChange {
  let now: NetChange = {};
  for (const { operation, result } of ended) {
    const { verb, args } = operation;
    const before = { ...container, ...now };
    if (verb === 'network_attach' && result === 'Error') {
      const net = before.nets.find(({ index }) => index === args.nicIndex);
      now = { ...now, ...(net ? withoutNet(before, net).change : {}), portsPhase: 'changing' };
    } else if (verb === 'default_gateway' && result === 'Error') {
      now = { ...now, ...withGateways(before, args.gatewaysBefore ?? []), portsPhase: 'changing' };
    } else if (verb === 'network_detach') {
      const back = result === 'Error' && args.detached ? restored(before, args.detached) : {};
      now = { ...now, ...back, portsPhase: 'changing' };
    }
  }
  // Whoever works from an older look must look again.
  return now.portsPhase === undefined ? {} : { ...now, revision: container.revision + 1 };
}
