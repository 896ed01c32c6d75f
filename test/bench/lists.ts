/** Long lists of the network API: 10,000 ports, page by page as clients ask, and the first page alone. */
import type { Cloud } from '../../src/client/cloud.ts';
import { type Figure, median, timed } from './figures.ts';
import { makeNetwork } from './network.ts';
import { makePorts } from './rules.ts';
import type { Server } from './server.ts';

const portCount = 10_000;
const rounds = 5;

export async function listFigures(server: Server, cloud: Cloud): Promise<Figure[]> {
  const network = await makeNetwork(cloud, '10.81.0.0/16');
  const admin = await server.cloud('berth-admin');
  const { projectId } = await cloud.session.token();
  await makePorts(admin, { network, project_id: projectId }, portCount);
  const query = { network_id: network };
  const [all, page]: [number[], number[]] = [[], []];
  for (let i = 0; i < rounds; i++) {
    all.push(await timed(() => cloud.networks.list('ports', query)));
    page.push(
      await timed(() =>
        cloud.session.request('network', { method: 'GET', path: '/ports', query: { ...query, limit: 100 } }),
      ),
    );
  }
  return [
    { what: 'list of 10,000 ports in ten pages', ours: median(all), unit: 'ms' },
    { what: 'first 100 of 10,000 ports', ours: median(page), unit: 'ms' },
  ];
}
