/**
 * Which Docker networks a container has to leave and to join, to be on those of its ports. Pure.
 *
 * What somebody connected by hand is left alone. A container without ports is on Docker's `none`: on nothing at all, Docker
 * would put it back on its first network at the next start.
 */
import type { EngineEndpoint } from '../docker/engine.ts';
import type { Nic } from '../model/container.ts';
import { portOption } from '../model/host-names.ts';

export const noNetwork = 'none';

export interface Connections {
  /** Names of Docker networks. */
  readonly leave: readonly string[];
  readonly join: readonly Nic[];
  readonly joinsNone: boolean;
}

interface Names {
  /** Name of the Docker network that a port joins. */
  readonly nameOf: (nic: Nic) => string;
  readonly isOurs: (network: string) => boolean;
}

export function planConnections(
  nics: readonly Nic[],
  endpoints: readonly EngineEndpoint[],
  { nameOf, isOurs }: Names,
): Connections {
  const wanted = new Map(nics.map((nic) => [nameOf(nic), nic]));
  const isRight = ({ network, options }: EngineEndpoint) => {
    const nic = wanted.get(network);
    return nic !== undefined && (options[portOption] ?? nic.portId) === nic.portId;
  };
  const isWrong = (endpoint: EngineEndpoint) =>
    endpoint.network === noNetwork ? nics.length > 0 : isOurs(endpoint.network) && !isRight(endpoint);
  const there = new Set(endpoints.filter(isRight).map(({ network }) => network));
  const stays = endpoints.filter((endpoint) => !isWrong(endpoint));
  return {
    leave: endpoints.filter(isWrong).map(({ network }) => network),
    join: nics.filter((nic) => !there.has(nameOf(nic))),
    joinsNone: nics.length === 0 && stays.length === 0,
  };
}

export function isSettled({ leave, join, joinsNone }: Connections): boolean {
  return leave.length === 0 && join.length === 0 && !joinsNone;
}
