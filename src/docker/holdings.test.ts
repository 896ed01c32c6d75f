import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerHoldings } from './holdings.ts';

const network = (id: string, driver: string, ipamDriver: string) => {
  return { id, name: `${id}-name`, driver, ipamDriver, labels: {} };
};

test('all networks of Docker, and the endpoints on those of plugins; one for no container has a remedy', async () => {
  const asked: string[] = [];
  const holdings = await dockerHoldings(
    {
      listNetworks: async () => [
        network('a', 'kuryr', 'kuryr'),
        network('b', 'kuryr', 'default'),
        network('c', 'bridge', 'kuryr'),
        network('d', 'bridge', 'default'),
        network('e', 'kuryr', 'kuryr-ports'),
      ],
      listEndpoints: async (id) => {
        asked.push(id);
        const containerId = id === 'b' ? undefined : 'container';
        return [{ id: `${id}-endpoint`, name: 'web', macAddress: '02:42:00:00:00:01', containerId }];
      },
    },
    { besidesIpam: 'kuryr-ports' },
  );
  assert.deepEqual(asked, ['a', 'b', 'c']);
  assert.deepEqual([...holdings.networks], ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(
    holdings.endpoints.map(({ id, remedy }) => [id, remedy]),
    [
      ['a-endpoint', undefined],
      ['b-endpoint', 'docker network disconnect --force b-name web'],
      ['c-endpoint', undefined],
    ],
  );
});
