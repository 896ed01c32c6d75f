/** How containers are shown: the columns of a list, and one container field by field, with floating addresses. */
import type { Cloud } from '../../client/cloud.ts';
import type { AddressView, ContainerView } from '../../client/container-types.ts';
import type { Call } from '../define.ts';
import { floatingByPort } from '../floating.ts';
import type { Column, Row } from '../output/output.ts';
import type { Paint } from '../output/table.ts';
import { commandsIn } from '../possible.ts';
import { joinWords } from '../shell-words.ts';

export type ContainerRow = Row & ContainerView & { readonly floating_addresses: readonly string[] };

const statusPaint: Readonly<Record<string, Paint>> = {
  Running: 'green',
  Error: 'red',
  Dead: 'red',
  Unknown: 'red',
  Stopped: 'dim',
};

export const containerColumns: readonly Column[] = [
  { key: 'uuid' },
  { key: 'name' },
  { key: 'image' },
  { key: 'status', paint: (status) => statusPaint[status] ?? 'yellow' },
  { key: 'task_state', title: 'TASK' },
  { key: 'addresses', text: (row) => fixedAddresses(row as ContainerRow).join(', ') },
  { key: 'floating_addresses', title: 'FLOATING' },
  { key: 'ports' },
];

/** Floating ones, which newer microversions put among them, have a field of their own here. */
function withFixedOnly({ addresses }: ContainerView): ContainerView['addresses'] {
  const isFixed = (entry: AddressView) => entry['OS-EXT-IPS:type'] !== 'floating';
  return Object.fromEntries(Object.entries(addresses).map(([id, list]) => [id, list.filter(isFixed)]));
}

/** Fixed addresses in the order of the container's networks. */
export function fixedAddresses(container: ContainerView): string[] {
  return Object.values(container.addresses).flatMap((list) => list.map(({ addr }) => addr));
}

export function rowOf(
  container: ContainerView,
  floating: ReadonlyMap<string, readonly string[]>,
): ContainerRow {
  const ports = Object.values(container.addresses).flatMap((list) => list.map(({ port }) => port));
  const found = [...new Set(ports)].flatMap((port) => floating.get(port) ?? []);
  return { ...container, addresses: withFixedOnly(container), floating_addresses: found };
}

export async function showContainer(call: Call, cloud: Cloud, container: ContainerView): Promise<void> {
  const hasAddress = Object.keys(container.addresses).length > 0;
  const [floating, networks] = await Promise.all([
    hasAddress ? floatingByPort(cloud.networks) : new Map<string, string[]>(),
    hasAddress ? cloud.networks.list('networks') : [],
  ]);
  const names = new Map(networks.map((network) => [network.id, network.name ?? network.id]));
  const record = { ...rowOf(container, floating), possible: commandsIn(container.status) };
  await call.out.record(record, {
    possible: () => record.possible.join(', '),
    addresses: (row) =>
      Object.entries((row as ContainerRow).addresses)
        .map(([id, list]) => `${names.get(id) ?? id}=${list.map(({ addr }) => addr).join(' ')}`)
        .join(', '),
    command: (row) => joinWords((row as ContainerRow).command),
    entrypoint: (row) => joinWords((row as ContainerRow).entrypoint),
    restart_policy: (row) => {
      const { Name = '', MaximumRetryCount = '0' } = (row as ContainerRow).restart_policy;
      return MaximumRetryCount === '0' ? Name : `${Name}:${MaximumRetryCount}`;
    },
  });
}
