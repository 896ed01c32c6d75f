/** The container API under load: lists, looks and creates a second, by how many ask at once and how many containers there are. */
import type { Cloud } from '../../src/client/cloud.ts';
import type { Figure } from './figures.ts';
import { type Ask, loadFigure, putLoad } from './load.ts';
import { command, image } from './network.ts';
import { untilGone, untilMade } from './records.ts';
import type { Server } from './server.ts';

const atOnceSteps = [1, 8, 32];
const measureMs = 2000;
const createsPerStep = 64;

export interface Asked {
  readonly server: Server;
  readonly cloud: Cloud;
  /** Of the containers that are created. */
  readonly network: string;
}

/** `among` = how many containers there are already. */
export async function requestFigures(asked: Asked, among: number): Promise<Figure[]> {
  const { server, cloud } = asked;
  const { value: token } = await cloud.session.token();
  const [first] = await cloud.containers.list({ limit: 1 });
  const figures: Figure[] = [];
  for (const atOnce of atOnceSteps) {
    const row = (what: string, result: Parameters<typeof loadFigure>[1]) =>
      figures.push(loadFigure(`${what}, ${atOnce} at once, among ${among.toLocaleString('en')}`, result));
    const reading = (path: string) => putLoad(server, token, { ask: { path }, atOnce, ms: measureMs });
    row('list', await reading('/v1/containers'));
    row('show', await reading(`/v1/containers/${first?.uuid}`));
    row('create', await creating(asked, token, atOnce));
  }
  return figures;
}

/** Real ones, made by the host's agent meanwhile; they are removed again. */
async function creating({ server, cloud, network }: Asked, token: string, atOnce: number) {
  const name = `asked-${crypto.randomUUID().slice(0, 8)}`;
  const asks = Array.from({ length: createsPerStep }, () => createAsk(name, network));
  const result = await putLoad(server, token, { asks, atOnce });
  await untilMade(cloud, name);
  await removeAll(cloud, name);
  return result;
}

/** A container that asks for little. */
export function createAsk(name: string, network: string): Ask {
  const body = JSON.stringify({ name, image, command, memory: '8', cpu: 0.1, nets: [{ network }] });
  return { method: 'POST', path: '/v1/containers', body };
}

export async function removeAll(cloud: Cloud, name: string): Promise<void> {
  const made = await cloud.containers.list({ name });
  await Promise.all(made.map(({ uuid }) => cloud.containers.remove(uuid)));
  await untilGone(cloud, name);
}
