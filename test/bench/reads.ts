/** How many lists of 1,000 containers, and how many looks at one, the API answers in a second on its one core. */
import type { Cloud } from '../../src/client/cloud.ts';
import type { Figure } from './figures.ts';
import { putLoad } from './load.ts';
import type { Server } from './server.ts';

/** Upstream Zun on the same kind of machine, one request at a time: reference figures, not this run. */
const upstream = { listsPerSecond: 1, looksPerSecond: 30 };

export async function readFigures(server: Server, cloud: Cloud): Promise<Figure[]> {
  const { value: token } = await cloud.session.token();
  const [first] = await cloud.containers.list({ limit: 1 });
  const rate = async (path: string) =>
    (await putLoad(server, token, { ask: { path }, atOnce: 4, ms: 4000 })).perSecond;
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
