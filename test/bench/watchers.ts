/** Five hundred who watch: from asking for a change until the last of them has its event, and what each event costs. */
import http from 'node:http';
import type { Cloud } from '../../src/client/cloud.ts';
import { type Figure, median, rounded } from './figures.ts';
import { quantile } from './load.ts';
import type { Server } from './server.ts';

const watchers = 500;
const rounds = 40;

export async function watcherFigures(server: Server, cloud: Cloud): Promise<Figure[]> {
  const { value: token } = await cloud.session.token();
  const [container] = await cloud.containers.list({ limit: 1 });
  if (!container) throw new Error('there is no container to change');
  const before = server.residentMb();
  const crowd = new Crowd();
  await Promise.all(Array.from({ length: watchers }, () => crowd.join(`${server.url}/v1/events`, token)));
  const [last, spent]: [number[], number] = [[], server.processorSeconds()];
  for (let i = 0; i < rounds; i++) {
    const name = `watched-${i}`;
    const seen = crowd.haveAllSeen(`"${name}"`);
    const start = performance.now();
    await cloud.containers.update(container.uuid, { name });
    await seen;
    last.push(performance.now() - start);
  }
  const perEvent = ((server.processorSeconds() - spent) * 1000) / rounds;
  const grown = server.residentMb() - before;
  crowd.leave();
  await cloud.containers.update(container.uuid, { name: container.name });
  return [
    {
      what: `an event is with all of ${watchers} who watch`,
      ours: median(last),
      unit: 'ms',
      besides: `p99 ${rounded(quantile(last, 0.99))} ms, ${rounded(perEvent)} ms of processor for all, ${rounded(grown)} MB`,
    },
  ];
}

class Crowd {
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #streams: http.IncomingMessage[] = [];
  #wanted = '';
  #missing = 0;
  #done: () => void = () => undefined;

  async join(url: string, token: string): Promise<void> {
    const headers = { 'x-auth-token': token, 'openstack-api-version': 'container 1.41' };
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    http.get(url, { agent: this.#agent, headers }, resolve).once('error', reject);
    const stream = await promise;
    if (stream.statusCode !== 200) throw new Error(`${url}: ${stream.statusCode}`);
    this.#streams.push(stream);
    let hasSeen = '';
    let tail = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      tail = `${tail}${text}`.slice(-65_536);
      if (this.#wanted === hasSeen || !tail.includes(this.#wanted)) return;
      [hasSeen, tail] = [this.#wanted, ''];
      this.#missing -= 1;
      if (this.#missing === 0) this.#done();
    });
    stream.on('error', () => undefined);
  }

  /** Each stream has had the text. */
  haveAllSeen(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    [this.#wanted, this.#missing, this.#done] = [text, this.#streams.length, resolve];
    return promise;
  }

  leave(): void {
    for (const stream of this.#streams) stream.destroy();
    this.#agent.destroy();
  }
}
