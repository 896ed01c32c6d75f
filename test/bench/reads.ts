/** How many lists of 1,000 containers, and how many looks at one, the API answers in a second on its one core. */
import http from 'node:http';
import type { Cloud } from '../../src/client/cloud.ts';
import type { Figure } from './figures.ts';
import type { Server } from './server.ts';

/** Upstream Zun on the same kind of machine, one request at a time: reference figures, not this run. */
const upstream = { listsPerSecond: 1, looksPerSecond: 30 };
const inFlight = 4;
const measureMs = 4000;

export async function readFigures(server: Server, cloud: Cloud): Promise<Figure[]> {
  const { value: token } = await cloud.session.token();
  const [first] = await cloud.containers.list({ limit: 1 });
  const rate = (path: string) => requestsPerSecond(`${server.url}${path}`, token);
  await rate('/v1/containers');
  return [
    {
      what: 'lists of 1,000 containers',
      ours: await rate('/v1/containers'),
      unit: '/s',
      peer: { name: 'Zun, reference', value: upstream.listsPerSecond },
      target: { atLeastTimes: 60 },
    },
    {
      what: 'looks at one container',
      ours: await rate(`/v1/containers/${first?.uuid}`),
      unit: '/s',
      peer: { name: 'Zun, reference', value: upstream.looksPerSecond },
      target: { atLeastTimes: 60 },
    },
  ];
}

async function requestsPerSecond(url: string, token: string): Promise<number> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: inFlight });
  const headers = { 'x-auth-token': token, 'openstack-api-version': 'container 1.40' };
  const end = performance.now() + measureMs;
  let count = 0;
  const worker = async () => {
    while (performance.now() < end) {
      await new Promise<void>((resolve, reject) => {
        const request = http.get(url, { agent, headers }, (response) => {
          if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
          response.resume().once('end', resolve);
        });
        request.once('error', reject);
      });
      count += 1;
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  agent.destroy();
  return count / ((performance.now() - start) / 1000);
}
