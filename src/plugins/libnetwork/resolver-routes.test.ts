import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResolverRoutes } from './resolver-routes.ts';

const v4 = { Destination: '169.254.169.253/32', RouteType: 1 };
const v6 = { Destination: 'fd00:a9fe:a9fe::53/128', RouteType: 1 };

test('the first network of a sandbox has the way, for its families; another gets what is missing', async () => {
  const routes = new ResolverRoutes({ hasRoute: async () => false });
  assert.deepEqual(await routes.join('/a', 'e1', [4]), [v4]);
  assert.deepEqual(await routes.join('/a', 'e2', [4, 6, 6]), [v6]);
  assert.deepEqual(await routes.join('/b', 'e3', [4, 6]), [v4, v6]);
  assert.deepEqual(await routes.join('/a', 'e1', [4]), [v4], 'asked again');
  routes.leave('e1');
  assert.deepEqual(await routes.join('/a', 'e4', [4, 6]), [v4]);
});

test('a container that joined before a restart keeps the way that it has', async () => {
  const routes = new ResolverRoutes({
    hasRoute: async (sandbox, to) => sandbox === '/a' && to.includes('.'),
  });
  assert.deepEqual(await routes.join('/a', 'e2', [4, 6]), [v6]);
});
