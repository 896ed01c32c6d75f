/** A thousand creates on one host at once: they queue, the host works on a few at a time, and each of them ends well. */
import Docker from 'dockerode';
import PQueue from 'p-queue';
import { type Figure, timed } from './figures.ts';
import { loadFigure, putLoad } from './load.ts';
import { command, image } from './network.ts';
import { statusesOf, untilMade } from './records.ts';
import { type Asked, createAsk, removeAll } from './requests.ts';

const count = 1000;
/** Of Docker alone, as many at a time as an agent makes. */
const peer = { count: 200, atOnce: 8 };
const docker = new Docker();

export async function inFlightFigures({ server, cloud, network }: Asked): Promise<Figure[]> {
  const { value: token } = await cloud.session.token();
  const name = `flight-${crypto.randomUUID().slice(0, 8)}`;
  const asks = Array.from({ length: count }, () => createAsk(name, network));
  const start = performance.now();
  const posts = await putLoad(server, token, { asks, atOnce: 32 });
  const waiting = (await statusesOf(cloud, name)).filter(({ status }) => status === 'Creating').length;
  const made = await untilMade(cloud, name);
  const seconds = (performance.now() - start) / 1000;
  if (made.length !== count) throw new Error(`${made.length} of ${count} were made`);
  await removeAll(cloud, name);
  return [
    loadFigure(`create, 32 at once, ${count.toLocaleString('en')} on one host`, posts),
    {
      what: `containers made, ${count.toLocaleString('en')} in flight`,
      ours: count / seconds,
      unit: '/s',
      peer: { name: `docker create, ${peer.atOnce} at a time`, value: await dockerCreates() },
      besides: `${waiting} waited when the last was accepted; none failed`,
    },
  ];
}

async function dockerCreates(): Promise<number> {
  const queue = new PQueue({ concurrency: peer.atOnce });
  const made: Docker.Container[] = [];
  const make = async () => {
    made.push(await docker.createContainer({ Image: image, Cmd: command }));
  };
  const ms = await timed(() => queue.addAll(Array.from({ length: peer.count }, () => make)));
  await queue.addAll(made.map((container) => () => container.remove({ force: true })));
  return peer.count / (ms / 1000);
}
