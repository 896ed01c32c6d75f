/**
 * A world in the real kernel: its networks by the dataplane, its ports as namespaces that took the container's end, and
 * a machine outside. One process holds sockets in all of them (./prober.ts).
 *
 * That something does not arrive is shown without waiting for it: packets of one machine are handled in the order in
 * which they are sent, so when all that must arrive has arrived, twice, what else was sent in the first round has either
 * arrived, too, or never will.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Kernel } from '../../../src/host/kernel.ts';
import { containerLink } from '../../../src/model/host-names.ts';
import type { Dataplane } from '../../../src/network/dataplane.ts';
import type { WantedNetwork } from '../../../src/wire/host-network.ts';
import { until } from '../until.ts';
import type { Prober, Seen } from './prober.ts';
import { type Expected, probesOf } from './probes.ts';
import { type Ids, wantedOf } from './wanted.ts';
import { addressOn, networkOf, type World, type WorldPort } from './world.ts';

export interface Machinery {
  readonly kernel: Kernel;
  readonly dataplane: Dataplane;
  readonly prober: Prober;
}

export class KernelWorld {
  readonly #machinery: Machinery;
  readonly #ids: Ids;
  /** Port → its namespace. */
  readonly #containers = new Map<string, string>();
  #networks: WantedNetwork[] = [];

  constructor(machinery: Machinery, ids: Ids) {
    this.#machinery = machinery;
    this.#ids = ids;
  }

  /** Builds the world, or leads from the one that was built last to this one. */
  async become(world: World): Promise<void> {
    const { dataplane } = this.#machinery;
    const before = this.#networks;
    this.#networks = wantedOf(world, this.#ids);
    const gone = [...this.#containers.keys()].filter(
      (name) => !world.ports.some((port) => port.name === name),
    );
    await Promise.all(gone.map((name) => this.#stop(name)));
    const left = before.filter(({ id }) => !this.#networks.some((one) => one.id === id));
    await Promise.all(left.map(({ id }) => dataplane.forget(id)));
    await Promise.all(this.#networks.map((network) => dataplane.converge(network)));
    const fresh = world.ports.filter(({ name }) => !this.#containers.has(name));
    await Promise.all(fresh.map((port) => this.#plug(world, port)));
    await this.#start(world, fresh);
  }

  /** Compares what arrives with what the model says; fails with all differences. */
  async check(world: World, sourcePort: number): Promise<{ reached: number; refused: number }> {
    const { prober } = this.#machinery;
    const expected = probesOf(world, sourcePort);
    const due = expected.filter(({ outcome }) => outcome);
    const first = prober.send(expected);
    await this.#settle(expected, first);
    await this.#settle(due, prober.send(due));
    const differences = this.#differences(expected, first);
    prober.end();
    assert.deepEqual(differences, []);
    return { reached: due.length, refused: expected.length - due.length };
  }

  async remove(): Promise<void> {
    await Promise.all([...this.#containers.keys()].map((name) => this.#stop(name)));
    await Promise.all(this.#networks.map(({ id }) => this.#machinery.dataplane.forget(id)));
  }

  /** Until all that is expected was seen; what is not after a while is told by the comparison. */
  async #settle(expected: readonly Expected[], first: number): Promise<void> {
    const isThere = async () =>
      expected.every(
        (one, index) =>
          one.outcome === undefined || isAsExpected(one, this.#machinery.prober.seen(first + index)),
      );
    await until('all that is expected was seen', isThere, { patienceMs: 4_000, everyMs: 5 }).catch(
      () => undefined,
    );
  }

  #differences(expected: readonly Expected[], first: number): string[] {
    return expected.flatMap((one, index) => {
      const seen = this.#machinery.prober.seen(first + index);
      if (isAsExpected(one, seen)) return [];
      const { protocol, from, to, port } = one.packet;
      const what = `${one.sender} (${from}) ${protocol} ${to} ${port}`;
      return `${what}: expected ${textOf(expectedOf(one))}, saw ${textOf(seen)}`;
    });
  }

  async #plug(world: World, { name }: WorldPort): Promise<void> {
    const id = this.#ids(name);
    const network = this.#networks.find(({ ports }) => ports.some((port) => port.id === id));
    assert.ok(network, `${name} is on one of ${world.networks.length} networks`);
    await this.#machinery.dataplane.plug(network, { portId: id, endpointId: id });
  }

  /** As a container engine does: a namespace, the link in it, addresses, the way out. */
  async #start(world: World, ports: readonly WorldPort[]): Promise<void> {
    const { kernel, prober } = this.#machinery;
    const namespaces = ports.map(({ name }) => `ct-${this.#ids(name).slice(0, 13)}`);
    await kernel.apply(
      namespaces.flatMap((netns) => [
        { do: 'ensure-netns', name: netns } as const,
        { do: 'sysctl', netns, key: 'net/ipv6/conf/default/accept_dad', value: '0' } as const,
        { do: 'sysctl', netns, key: 'net/ipv6/conf/default/accept_ra', value: '0' } as const,
      ]),
    );
    await ipBatch(
      ports.map(
        ({ name }, index) =>
          `link set ${containerLink(this.#ids(name))} netns ${namespaces[index]} name eth0`,
      ),
    );
    await kernel.apply(
      ports.flatMap((port, index) => {
        const netns = namespaces[index] ?? '';
        const network = networkOf(world, port.network);
        return [
          { do: 'set-link', netns, name: 'lo', up: true } as const,
          { do: 'set-link', netns, name: 'eth0', up: true } as const,
          ...port.versions.map((version) => ({
            do: 'ensure-address' as const,
            netns,
            link: 'eth0',
            address: `${addressOn(network, port.number, version)}/${version === 4 ? 24 : 64}`,
          })),
          ...port.versions.map((version) => ({
            do: 'ensure-route' as const,
            netns,
            to: version === 4 ? '0.0.0.0/0' : '::/0',
            via: addressOn(network, 1, version),
            link: 'eth0',
          })),
        ];
      }),
    );
    for (const [index, { name }] of ports.entries()) {
      const netns = namespaces[index] ?? '';
      this.#containers.set(name, netns);
      prober.open(name, netns);
    }
  }

  async #stop(name: string): Promise<void> {
    const { kernel, dataplane, prober } = this.#machinery;
    const netns = this.#containers.get(name);
    if (netns === undefined) return;
    this.#containers.delete(name);
    prober.close(name);
    await dataplane.unplug({ portId: this.#ids(name) });
    await kernel.apply([{ do: 'delete-netns', name: netns }]);
  }
}

async function ipBatch(lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const ip = spawn('ip', ['-batch', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  ip.stderr.on('data', (data) => {
    said += String(data);
  });
  ip.stdin.end(`${lines.join('\n')}\n`);
  const [code] = await once(ip, 'exit');
  assert.equal(code, 0, said);
}

/** A router is seen only by its answer. */
function expectedOf({ outcome }: Expected): Seen {
  if (!outcome) return { arrived: new Set(), isAnswered: false };
  const { at, packet, isAnswered } = outcome;
  const isRouter = at.includes('router');
  return { arrived: new Set(isRouter ? [] : [`${at} from ${packet.from}`]), isAnswered };
}

function isAsExpected(expected: Expected, seen: Seen): boolean {
  return textOf(expectedOf(expected)) === textOf(seen);
}

function textOf({ arrived, isAnswered }: Seen): string {
  return `[${[...arrived].sort().join(', ')}]${isAnswered ? ' answered' : ''}`;
}
