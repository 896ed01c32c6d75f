/**
 * Random sequences of calls of a container runtime, with failures at any step of host and network service, and a model
 * that is simple enough to be believed: which interfaces there are, and what they hold.
 *
 * After each call the answer has to be one that the specification knows, the one that the model expects unless a failure
 * was injected, and host and network service have to hold what the model says: a call that fails leaves nothing.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CniBackend } from '../../src/plugins/cni/backend.ts';
import { main } from '../../src/plugins/cni/client/main.ts';
import { supportedVersions } from '../../src/plugins/cni/client/versions.ts';
import type { NetworkService } from '../../src/wire/network-service.ts';
import { until } from './until.ts';

export const containers = ['c0', 'c1', 'c2'] as const;
const ifnames = ['eth0', 'eth1'] as const;
type Container = (typeof containers)[number];

/** Where the sequences happen. Networks: `pods` (10.70.0.0/24, with a way for host ports), `tiny` (one address). */
export interface CniSite {
  readonly stateDir: string;
  readonly service: NetworkService;
  netnsOf(container: Container): string;
  startAgent(around: (backend: CniBackend) => CniBackend): Promise<void>;
  stopAgent(): Promise<void>;
  /** The interfaces that the host holds, as `c0 eth0`, in order. */
  interfaces(): Promise<string[]>;
  /** All that the network service holds, and what the host holds besides the interfaces: compared as it is. */
  inventory(): Promise<unknown>;
}

const version = fc.constantFrom('1.1.0', '1.1.0', '1.1.0', '1.0.0', '0.4.0', '0.3.1');
const target = { container: fc.constantFrom(...containers), ifname: fc.constantFrom(...ifnames) };

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('ADD' as const),
      ...target,
      version,
      network: fc.constantFrom('pods', 'pods', 'pods', 'tiny', 'foreign', 'nowhere'),
      address: fc.constantFrom(undefined, undefined, '10.70.0.50', '10.99.0.1'),
      hostPort: fc.constantFrom(undefined, undefined, 8080),
      rate: fc.constantFrom(undefined, 1_000_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('DEL' as const), ...target, version, isNetnsGone: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('CHECK' as const), ...target, version }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('GC' as const),
      version,
      valid: fc.option(fc.subarray(containers.flatMap((c) => ifnames.map((i) => `${c} ${i}`)))),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('STATUS' as const), version }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('VERSION' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wrong' as const),
      what: fc.constantFrom(
        'half',
        'list',
        'nameless',
        'future',
        'old',
        'jump',
        'noname',
        'badid',
        'badport',
        'badargs',
      ),
      verb: fc.constantFrom('ADD', 'DEL', 'CHECK'),
      ...target,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('break' as const),
      at: fc.nat({ max: 14 }),
      isAfter: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const) }) },
);
export type CniStep = typeof step extends fc.Arbitrary<infer T> ? T : never;
export const cniSteps = fc.array(step, { minLength: 4, maxLength: 20 });

interface Held {
  readonly network: string;
  readonly address: string | undefined;
  /** Undefined where the container's other interface has it. */
  readonly hostPort: number | undefined;
  readonly result: unknown;
}

interface Answer {
  readonly code: number;
  readonly msg: string;
  readonly result: Record<string, unknown> | undefined;
}

const known = new Set([1, 2, 4, 5, 6, 7, 11, 50, 100, 101, 102, 999]);

export class CniSequence {
  readonly #site: CniSite;
  readonly #held = new Map<string, Held>();
  /** Deleted while there was no agent. */
  readonly #pending = new Set<string>();
  #isUp = true;
  #countdown = -1;
  #isAfter = false;
  #hasBroken = false;
  #before: unknown;

  private constructor(site: CniSite) {
    this.#site = site;
  }

  /** Ends with everything removed, and compares with what was there before. */
  static async run(site: CniSite, steps: readonly CniStep[]): Promise<void> {
    const sequence = new CniSequence(site);
    await site.stopAgent();
    await sequence.#start();
    sequence.#before = await site.inventory();
    for (const one of steps) await sequence.#do(one);
    sequence.#countdown = -1;
    if (!sequence.#isUp) await sequence.#start();
    for (const key of [...sequence.#held.keys()]) await sequence.#remove(key);
    await sequence.#compare();
    // What the host does about a port that is gone it does a moment later.
    const same = async () => {
      assert.deepEqual(await site.inventory(), sequence.#before);
      return true;
    };
    await until('all is as before', same, { patienceMs: 20_000 }).catch(same);
  }

  async #start(): Promise<void> {
    await this.#site.startAgent((backend) => this.#breaking(backend));
    for (const key of this.#pending) this.#held.delete(key);
    this.#pending.clear();
    this.#isUp = true;
  }

  async #do(one: CniStep): Promise<void> {
    switch (one.do) {
      case 'break':
        this.#countdown = one.at;
        this.#isAfter = one.isAfter;
        return;
      case 'stop':
        if (this.#isUp) await this.#site.stopAgent();
        this.#isUp = false;
        return;
      case 'start': {
        // A deletion that fails at the start stays for the next one: not what is looked at here.
        this.#countdown = -1;
        if (!this.#isUp) await this.#start();
        return;
      }
      case 'wrong':
        return this.#wrong(one);
      case 'VERSION': {
        const { result } = await this.#call('VERSION', {}, '{}');
        assert.deepEqual(result?.supportedVersions, supportedVersions);
        return;
      }
      default:
        return this.#verb(one);
    }
  }

  async #verb(one: Extract<CniStep, { do: 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' }>): Promise<void> {
    this.#hasBroken = false;
    const expected = this.#expected(one);
    const { verb, variables, config } = this.#requestOf(one);
    const answer = await this.#call(verb, variables, JSON.stringify(config));
    const why = `${JSON.stringify(one)} on ${JSON.stringify([...this.#held.keys()])}: ${answer.code} ${answer.msg}`;
    if (this.#hasBroken) {
      // The runtime's way on: it deletes, collects again.
      if (one.do === 'DEL' && answer.code !== 0) return this.#remove(`${one.container} ${one.ifname}`);
      if (one.do === 'GC' && answer.code !== 0) return this.#verb(one);
    } else assert.equal(answer.code, expected, why);
    if (answer.code === 0) this.#learn(one, answer);
    await this.#compare(why);
  }

  /** The code of the answer when nothing is broken; 0 = success. */
  #expected(one: CniStep): number {
    const has = (key: string) => this.#held.has(key) && !this.#pending.has(key);
    switch (one.do) {
      case 'DEL':
        return 0;
      case 'STATUS':
      case 'GC':
        if (one.version !== '1.1.0') return 1;
        return this.#isUp ? 0 : 50;
      case 'CHECK':
        if (one.version === '0.3.1') return 1;
        if (!this.#isUp) return 50;
        return has(`${one.container} ${one.ifname}`) ? 0 : 101;
      case 'ADD':
        return this.#isUp ? this.#expectedOfAdd(one) : 50;
      default:
        return 0;
    }
  }

  #expectedOfAdd({ container, ifname, network, address, hostPort }: Extract<CniStep, { do: 'ADD' }>): number {
    const held = [...this.#held];
    if (this.#held.has(`${container} ${ifname}`)) return 100;
    if (network === 'foreign' || network === 'nowhere') return 7;
    const ownHas = held.some(([key, one]) => key.startsWith(`${container} `) && one.hostPort === hostPort);
    if (hostPort !== undefined && !ownHas && held.some(([, one]) => one.hostPort === hostPort)) return 102;
    if (network === 'tiny') {
      if (address !== undefined) return 102;
      if (held.some(([, one]) => one.network === 'tiny')) return 102;
      // No router leads there.
      return hostPort === undefined || ownHas ? 0 : 102;
    }
    if (address === '10.99.0.1') return 102;
    if (address !== undefined && held.some(([, one]) => one.address === address)) return 102;
    return 0;
  }

  #learn(one: CniStep, { result }: Answer): void {
    if (one.do === 'ADD') {
      const { container, ifname, network, address, hostPort } = one;
      const ownHas = [...this.#held].some(
        ([key, { hostPort: its }]) => key.startsWith(`${container} `) && its === hostPort,
      );
      const ips = (result?.ips ?? []) as { address: string }[];
      assert.ok(
        ips.length > 0 && ((result?.interfaces ?? []) as unknown[]).length === 1,
        JSON.stringify(result),
      );
      if (address) assert.equal(ips[0]?.address, `${address}/24`);
      // What was chosen may meet what is asked for later.
      const chosen = ips[0]?.address.replace(/\/.*/, '');
      this.#held.set(`${container} ${ifname}`, {
        network,
        address: chosen,
        hostPort: ownHas ? undefined : hostPort,
        result,
      });
    }
    if (one.do === 'DEL') this.#forget(`${one.container} ${one.ifname}`);
    if (one.do === 'GC' && one.valid) {
      for (const key of this.#held.keys()) if (!one.valid.includes(key)) this.#held.delete(key);
    }
  }

  #forget(key: string): void {
    if (this.#isUp) this.#held.delete(key);
    else if (this.#held.has(key)) this.#pending.add(key);
  }

  #requestOf(one: Extract<CniStep, { do: 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' }>) {
    const config: Record<string, unknown> = {
      cniVersion: one.version,
      name: 'pods',
      type: 'berth-cni',
      stateDir: this.#site.stateDir,
      network: 'pods',
    };
    if (one.do === 'GC') {
      const attachments = one.valid?.map((key) => {
        const [containerID, ifname] = key.split(' ');
        return { containerID, ifname };
      });
      return {
        verb: one.do,
        variables: {},
        config: { ...config, ...(attachments && { 'cni.dev/valid-attachments': attachments }) },
      };
    }
    if (one.do === 'STATUS') return { verb: one.do, variables: {}, config };
    const variables = this.#variablesOf(one.container, one.ifname);
    if (one.do === 'DEL') {
      const gone = one.isNetnsGone ? { CNI_NETNS: '/run/netns/gone' } : {};
      return { verb: one.do, variables: { ...variables, ...gone }, config };
    }
    if (one.do === 'CHECK') {
      const { network = 'pods', result = {} } = this.#held.get(`${one.container} ${one.ifname}`) ?? {};
      return { verb: one.do, variables, config: { ...config, network, prevResult: result } };
    }
    const { network, address, hostPort, rate } = one;
    const runtimeConfig = {
      ...(address && { ips: [address] }),
      ...(hostPort && { portMappings: [{ hostPort, containerPort: 80, protocol: 'tcp' }] }),
      ...(rate && { bandwidth: { ingressRate: rate, ingressBurst: rate } }),
    };
    return { verb: one.do, variables, config: { ...config, network, runtimeConfig } };
  }

  #variablesOf(container: Container, ifname: string): Record<string, string> {
    return { CNI_CONTAINERID: container, CNI_IFNAME: ifname, CNI_NETNS: this.#site.netnsOf(container) };
  }

  /** Calls that make no sense: refused with their number, whatever there is, and nothing changes. */
  async #wrong({ what, verb, container, ifname }: Extract<CniStep, { do: 'wrong' }>): Promise<void> {
    const variables = this.#variablesOf(container, ifname);
    const good = {
      cniVersion: '1.0.0',
      name: 'pods',
      type: 'berth-cni',
      stateDir: this.#site.stateDir,
      network: 'pods',
    };
    const text = JSON.stringify(good);
    const { CNI_IFNAME: _, ...unnamed } = variables;
    const badPort = { ...good, runtimeConfig: { portMappings: [{ hostPort: 'x', containerPort: 80 }] } };
    const wrongs: Record<
      typeof what,
      readonly [verb: string, variables: Record<string, string>, stdin: string, code: number]
    > = {
      half: [verb, variables, text.slice(0, text.length / 2), 6],
      list: [verb, variables, `[${text}]`, 6],
      nameless: [verb, variables, JSON.stringify({ ...good, name: undefined }), 7],
      future: [verb, variables, JSON.stringify({ ...good, cniVersion: '9.0.0' }), 1],
      old: [verb, variables, JSON.stringify({ ...good, cniVersion: '0.2.0' }), 1],
      jump: ['JUMP', variables, text, 4],
      noname: [verb, unnamed, text, 4],
      badid: [verb, { ...variables, CNI_CONTAINERID: '../x' }, text, 4],
      badargs: [verb, { ...variables, CNI_ARGS: 'x' }, text, 4],
      badport: ['ADD', variables, JSON.stringify(badPort), this.#isUp ? 7 : 50],
    };
    const [call, with_, stdin, code] = wrongs[what];
    const answer = await this.#call(call, with_, stdin);
    assert.equal(answer.code, code, `${what}: ${answer.msg}`);
    await this.#compare(what);
  }

  async #remove(key: string): Promise<void> {
    const [container, ifname] = key.split(' ') as [Container, string];
    const config = { cniVersion: '1.1.0', name: 'pods', type: 'berth-cni', stateDir: this.#site.stateDir };
    const { code, msg } = await this.#call(
      'DEL',
      this.#variablesOf(container, ifname),
      JSON.stringify(config),
    );
    assert.equal(code, 0, `DEL ${key}: ${msg}`);
    this.#forget(key);
    await this.#compare(`DEL ${key}`);
  }

  /** Runs the plugin as the executable does; throws when its answer is not one of the specification's. */
  async #call(verb: string, variables: Record<string, string>, stdin: string): Promise<Answer> {
    let printed = '';
    const code = await main({
      variables: { CNI_COMMAND: verb, CNI_PATH: '/usr/lib/cni', ...variables },
      readStdin: async () => stdin,
      print: (text) => {
        printed += text;
      },
      complain: (text) => assert.fail(text),
    });
    const answer = printed === '' ? undefined : JSON.parse(printed);
    if (answer) assert.ok(supportedVersions.includes(answer.cniVersion), printed);
    if (code === 0) {
      assert.equal(answer === undefined, !['ADD', 'VERSION'].includes(verb), `${verb} said ${printed}`);
      return { code, msg: '', result: answer };
    }
    assert.equal(code, 1);
    assert.ok(known.has(answer?.code), `${verb}: ${printed}`);
    assert.ok(typeof answer.msg === 'string' && answer.msg !== '', printed);
    return { code: answer.code, msg: answer.msg, result: undefined };
  }

  async #compare(why = ''): Promise<void> {
    const held = [...this.#held.keys()].toSorted();
    assert.deepEqual(await this.#site.interfaces(), held, `interfaces after ${why}`);
    const ports = await this.#site.service.list('ports', { device_owner: 'compute:cni' });
    assert.deepEqual(
      ports
        .map(({ description }) =>
          String(description).replace(/^Interface (\S+) of container (\S+)$/, '$2 $1'),
        )
        .toSorted(),
      held,
      `ports after ${why}`,
    );
  }

  /** The n-th effect from when it was said fails, once: before it happens, or after, as when an answer is lost. */
  #breaking(backend: CniBackend): CniBackend {
    const sequence = this;
    const breakable = <T extends object>(what: T): T =>
      new Proxy(what, {
        get(target, name) {
          const value = Reflect.get(target, name);
          if (name === 'service') return breakable(value as NetworkService);
          if (typeof value !== 'function') return value;
          return async (...args: unknown[]) => {
            const isDue = sequence.#countdown === 0;
            sequence.#countdown -= 1;
            if (!isDue) return value.apply(target, args);
            sequence.#hasBroken = true;
            if (sequence.#isAfter) await value.apply(target, args);
            throw new Error('broken on purpose');
          };
        },
      });
    return breakable(backend);
  }
}
