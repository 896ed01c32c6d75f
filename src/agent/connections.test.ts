import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Nic } from '../model/container.ts';
import { isSettled, planConnections } from './connections.ts';

const nic = (networkId: string, portId = `port-of-${networkId}`): Nic => ({
  index: 0,
  networkId,
  portId,
  macAddress: 'fa:16:3e:00:00:01',
  fixedIps: [],
  preserveOnDelete: false,
});
const endpoint = (network: string, portId?: string) => ({
  network,
  options: portId === undefined ? {} : { 'neutron.port.uuid': portId },
});
const names = {
  nameOf: ({ networkId }: Nic) => `ours-${networkId}`,
  isOurs: (name: string) => name.startsWith('ours-'),
};
const plan = (nics: readonly Nic[], ...endpoints: ReturnType<typeof endpoint>[]) => {
  const { leave, join, joinsNone } = planConnections(nics, endpoints, names);
  const joined = [...join.map(({ networkId }) => networkId), ...(joinsNone ? ['none'] : [])];
  return `-${leave.join()} +${joined.join()}`;
};

test('a container leaves what is not wanted and joins what is missing', () => {
  const [a, b] = [nic('a'), nic('b')];
  const cases: readonly (readonly [string, string])[] = [
    [plan([a], endpoint('ours-a', 'port-of-a')), '- +'],
    [plan([a, b], endpoint('ours-a', 'port-of-a')), '- +b'],
    [plan([b], endpoint('ours-a', 'port-of-a')), '-ours-a +b'],
    [plan([a], endpoint('ours-a', 'an earlier port')), '-ours-a +a'],
    [plan([a], endpoint('ours-a')), '- +'],
    [plan([a], endpoint('by-hand')), '- +a'],
    [plan([], endpoint('ours-a', 'port-of-a')), '-ours-a +none'],
    [plan([]), '- +none'],
    [plan([], endpoint('none')), '- +'],
    [plan([], endpoint('by-hand')), '- +'],
    [plan([a], endpoint('none')), '-none +a'],
  ];
  for (const [planned, expected] of cases) assert.equal(planned, expected);
  assert.ok(isSettled(planConnections([a], [endpoint('ours-a', 'port-of-a')], names)));
  assert.ok(!isSettled(planConnections([], [], names)));
});
