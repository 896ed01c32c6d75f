/** The Container Network Model: an endpoint made and joined by `berth cnm`'s daemon, beside `docker network connect` to a bridge network. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { statePaths } from '../../src/base/state-paths.ts';
import { askCnm, stopCnm } from '../../src/client/cnm.ts';
import { type Figure, median, timed } from './figures.ts';
import { command, image } from './network.ts';
import { root, type Server } from './server.ts';

const docker = new Docker();
const rounds = 20;
const name = 'bench-cnm';
const pools = { subnets: ['10.87.0.0/24'], gateways: [], ranges: [], auxiliary: {} };

export async function cnmFigures({ stateDir }: Server): Promise<Figure[]> {
  await using disposer = new AsyncDisposableStack();
  const folder = join(stateDir, 'cnm');
  const socket = statePaths(folder).cnmSocket;
  await promisify(execFile)(join(root, 'berth'), ['--state-dir', folder, 'cnm', 'serve', '-d']);
  disposer.defer(async () => void (await stopCnm(socket)));
  const networkDraft = { name, driver: 'bridge', ...pools } as const;
  await askCnm(socket, 'network-create', networkDraft);
  disposer.defer(async () => void (await askCnm(socket, 'network-delete', { network: name })));
  await askCnm(socket, 'sandbox-create', { name });
  disposer.defer(async () => void (await askCnm(socket, 'sandbox-delete', { sandbox: name })));

  const network = await docker.createNetwork({ Name: name });
  disposer.defer(() => network.remove());
  const container = await docker.createContainer({ Image: image, Cmd: command });
  disposer.defer(() => container.remove({ force: true }));
  await container.start();

  const times = {
    in: [] as number[],
    out: [] as number[],
    connect: [] as number[],
    disconnect: [] as number[],
  };
  for (let round = 0; round <= rounds; round++) {
    const joined = await timed(async () => {
      await askCnm(socket, 'endpoint-create', { network: name, draft: { name } });
      await askCnm(socket, 'endpoint-join', { endpoint: name, network: name, sandbox: name });
    });
    const left = await timed(() =>
      askCnm(socket, 'endpoint-delete', { endpoint: name, network: name, force: true }),
    );
    const connected = await timed(() => network.connect({ Container: container.id }));
    const disconnected = await timed(() => network.disconnect({ Container: container.id }));
    // The first round warms all up.
    if (round === 0) continue;
    times.in.push(joined);
    times.out.push(left);
    times.connect.push(connected);
    times.disconnect.push(disconnected);
  }
  const row = (what: string, ours: number[], peer: string, theirs: number[]): Figure => ({
    what,
    ours: median(ours),
    unit: 'ms',
    peer: { name: peer, value: median(theirs) },
  });
  return [
    row('endpoint made and joined, cnm bridge', times.in, 'docker network connect', times.connect),
    row('endpoint left and removed, cnm bridge', times.out, 'docker network disconnect', times.disconnect),
  ];
}
