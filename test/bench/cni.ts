/**
 * CNI: an interface added and deleted by `berth-cni` as it is installed, beside the reference plugins: `bridge` with `host-local` alone,
 * which has no rules, and the chain that podman uses. One after another, and a hundred at once.
 */
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CniList, CniRuntime, type Sandbox } from '../helpers/cni-runtime.ts';
import { type Figure, median, timed } from './figures.ts';
import { root, type Server } from './server.ts';

const run = promisify(execFile);
const rounds = 20;
const atOnce = 100;

interface Times {
  readonly add: number[];
  readonly del: number[];
  readonly manyAdd: number[];
  readonly manyDel: number[];
}

interface Contender extends Times {
  readonly name: string;
  readonly runtime: CniRuntime;
}

export async function cniFigures(server: Server, network: string): Promise<Figure[]> {
  await using disposer = new AsyncDisposableStack();
  const contenders = [await ours(server, network), plain(server), chain(server)];
  for (const bridge of ['bench-plain', 'bench-chain']) {
    disposer.defer(async () => void (await run('ip', ['link', 'del', bridge])));
  }
  const sandboxes = await makeSandboxes(disposer);
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) await inTurn(contender, sandboxes, round);
  }
  for (const { runtime, manyAdd, manyDel } of contenders) {
    manyAdd.push(await timed(() => Promise.all(sandboxes.map((sandbox) => runtime.add(sandbox)))));
    manyDel.push(await timed(() => Promise.all(sandboxes.map((sandbox) => runtime.del(sandbox)))));
  }
  const [berth, ...peers] = contenders;
  return peers.flatMap((peer) => {
    const row = (what: string, times: (contender: Times) => number[]): Figure => ({
      what,
      ours: median(berth ? times(berth) : []),
      unit: 'ms',
      peer: { name: peer.name, value: median(times(peer)) },
    });
    return [
      { ...row('CNI ADD, whole', ({ add }) => add), target: { atMostTimes: 1 } },
      row('CNI DEL, whole', ({ del }) => del),
      row(`${atOnce} CNI ADDs at once`, ({ manyAdd }) => manyAdd),
      row(`${atOnce} CNI DELs at once`, ({ manyDel }) => manyDel),
    ];
  });
}

/** The first round warms all up. */
async function inTurn(
  { runtime, add, del }: Contender,
  sandboxes: readonly Sandbox[],
  round: number,
): Promise<void> {
  const [sandbox] = sandboxes;
  if (!sandbox) return;
  const [added, deleted] = [await timed(() => runtime.add(sandbox)), await timed(() => runtime.del(sandbox))];
  if (round === 0) return;
  add.push(added);
  del.push(deleted);
}

function contender(name: string, plugins: CniList['plugins'], ourFolder?: string): Contender {
  const runtime = new CniRuntime(
    { cniVersion: '1.0.0', name: name.replaceAll(/\W/g, ''), plugins },
    ourFolder,
  );
  return { name, runtime, add: [], del: [], manyAdd: [], manyDel: [] };
}

/** As `berth cni install` leaves it. */
async function ours({ stateDir }: Server, network: string): Promise<Contender> {
  const [bin, conf] = [join(stateDir, 'cni-bin'), join(stateDir, 'net.d')];
  for (const folder of [bin, conf]) mkdirSync(folder, { recursive: true });
  const folders = ['--state-dir', stateDir, '--bin-dir', bin, '--conf-dir', conf];
  const env = { ...process.env, BERTH_STATE_DIR: stateDir };
  await run(join(root, 'berth'), ['cni', 'install', 'bench', '--network', network, ...folders], { env });
  return contender('berth', [{ type: 'berth-cni', network, stateDir }], bin);
}

function plain(server: Server): Contender {
  return contender('bridge + host-local', [bridgePlugin(server, 'bench-plain', '10.86.0.0/16')]);
}

function chain(server: Server): Contender {
  const others = ['portmap', 'firewall', 'tuning'].map((type) => ({ type }));
  return contender('podman’s chain', [bridgePlugin(server, 'bench-chain', '10.87.0.0/16'), ...others]);
}

function bridgePlugin({ stateDir }: Server, bridge: string, subnet: string): CniList['plugins'][number] {
  const ipam = { type: 'host-local', subnet, dataDir: join(stateDir, bridge) };
  return { type: 'bridge', bridge, isGateway: true, ipMasq: true, ipam };
}

async function makeSandboxes(disposer: AsyncDisposableStack): Promise<Sandbox[]> {
  const names = Array.from({ length: atOnce }, (_, index) => `bench-${index}`);
  for (const name of names) {
    await run('ip', ['netns', 'add', name]);
    disposer.defer(async () => void (await run('ip', ['netns', 'del', name])));
  }
  return names.map((name) => ({ containerId: name, netns: `/run/netns/${name}` }));
}
