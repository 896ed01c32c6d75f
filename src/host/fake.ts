/**
 * A kernel in memory: a small working model of namespaces, links, addresses, routes and settings, for tests and
 * for machines where we have no rights. It passes the same contract test as the real one (test/kernel-contract.ts).
 *
 * nftables: scripts are recorded per namespace; of their meaning it knows only which tables they make and delete.
 * `failAt` breaks one step, before it has any effect; `leftovers` tells what still stands.
 */
import { Failure } from '../model/failure.ts';
import { describeStep } from './describe-step.ts';
import { FakeNamespace } from './fake-namespace.ts';
import {
  type Kernel,
  type KernelAddress,
  type KernelLimit,
  type KernelLink,
  type KernelPeer,
  type KernelRoute,
  type KernelStep,
  type KernelStepOf,
  runStep,
  type StepTable,
} from './kernel.ts';
import { openSocket, type SocketRequest } from './sockets.ts';

export interface FakeKernelOptions {
  /** Which step fails: the n-th from now on (1 = the next), or the first that fits. Once only. */
  readonly failAt?: number | ((step: KernelStep) => boolean);
}

export class FakeKernel implements Kernel {
  readonly #root = new FakeNamespace();
  readonly #named = new Map<string, FakeNamespace>();
  readonly #table: StepTable = this.#steps();
  #failAt: FakeKernelOptions['failAt'];
  /** All steps that were run, in order. */
  readonly applied: KernelStep[] = [];

  constructor(options: FakeKernelOptions = {}) {
    this.#failAt = options.failAt;
  }

  failAt(when: FakeKernelOptions['failAt']): void {
    this.#failAt = when;
  }

  async apply(steps: readonly KernelStep[]): Promise<void> {
    for (const [at, step] of steps.entries()) {
      try {
        this.#breakAsAsked(step);
        runStep(this.#table, step);
        this.applied.push(step);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Failure('kernel-error', `step ${at + 1} ${describeStep(step)}: ${reason}`, {
          cause: error,
        });
      }
    }
  }

  async namespaces(): Promise<string[]> {
    return [...this.#named.keys()];
  }

  async links(netns?: string): Promise<KernelLink[]> {
    return this.#reading(netns).listLinks();
  }

  async addresses(netns?: string): Promise<KernelAddress[]> {
    return [...this.#reading(netns).addresses];
  }

  async routes(netns?: string): Promise<KernelRoute[]> {
    return [...this.#reading(netns).routes];
  }

  async limits(netns?: string): Promise<KernelLimit[]> {
    return this.#reading(netns).listLimits();
  }

  async peers(link: string, netns?: string): Promise<KernelPeer[]> {
    return this.#reading(netns).listPeers(link);
  }

  async nftables(what: string, netns?: string): Promise<unknown> {
    return this.#reading(netns).listTables(what);
  }

  async rules(netns?: string): Promise<string> {
    return this.#reading(netns).listText();
  }

  async readSysctl(key: string, netns?: string): Promise<string> {
    return this.#reading(netns).sysctls.get(key) ?? '0';
  }

  /** There is no network to listen on: a socket on this machine's loopback stands for it, on any free port. */
  async openSocket({ protocol, address, port }: SocketRequest, netns?: string): Promise<number> {
    const isThere = this.#reading(netns).addresses.some((each) => each.address.split('/')[0] === address);
    if (!isThere)
      throw new Failure('kernel-error', `open a socket ${protocol} ${address} ${port}: no such address`);
    return openSocket({ protocol, address: '127.0.0.1', port: 0 });
  }

  async close(): Promise<void> {
    // Nothing is held.
  }

  /** All nft scripts run in a namespace, oldest first. */
  scripts(netns?: string): readonly string[] {
    return this.#reading(netns).scripts;
  }

  /** Takes a link away as a container engine does that moves it into a container; its other end stays. */
  takeLink(name: string, netns?: string): void {
    const namespace = this.#at(netns);
    namespace.forget(namespace.link(name));
  }

  /** What stands and was not there at first, one line each. */
  leftovers(): string[] {
    const spaces: [string, FakeNamespace][] = [['', this.#root], ...this.#named];
    return spaces.flatMap(([name, space]) => [
      ...(name ? [`namespace ${name}`] : []),
      ...space.describe().map((line) => (name ? `${line} in ${name}` : line)),
    ]);
  }

  #steps(): StepTable {
    return {
      'ensure-netns': ({ name }) => {
        if (!this.#named.has(name)) this.#named.set(name, new FakeNamespace());
      },
      'delete-netns': ({ name }) => {
        this.#named.get(name)?.clear();
        this.#named.delete(name);
      },
      'ensure-bridge': (step) => this.#at(step.netns).ensureBridge(step),
      'ensure-veth': (step) => this.#at(step.netns).ensureVeth(step, this.#at(step.peer.netns)),
      'ensure-dummy': (step) => this.#at(step.netns).ensureDummy(step),
      'ensure-vlan': (step) => this.#at(step.netns).ensureStacked(step, 'vlan'),
      'ensure-macvlan': (step) => this.#at(step.netns).ensureStacked(step, 'macvlan'),
      'ensure-vxlan': (step) => this.#at(step.netns).ensureVxlan(step),
      'ensure-peer': (step) => this.#at(step.netns).ensurePeer(step),
      'delete-peer': (step) => this.#find(step)?.deletePeer(step),
      'delete-link': (step) => this.#find(step)?.deleteLink(step.name),
      'move-link': (step) => this.#at(step.netns).moveLink(step, this.#at(step.to.netns)),
      'set-link': (step) => this.#at(step.netns).setLink(step),
      'ensure-address': (step) => this.#at(step.netns).ensureAddress(step),
      'delete-address': (step) => this.#find(step)?.deleteAddress(step),
      'ensure-route': (step) => this.#at(step.netns).ensureRoute(step),
      'delete-route': (step) => this.#find(step)?.deleteRoute(step),
      'limit-link': (step) => this.#find(step)?.limitLink(step),
      sysctl: (step) => {
        this.#at(step.netns).sysctls.set(step.key, step.value);
      },
      'send-frame': (step) => {
        this.#at(step.netns).link(step.name);
      },
      // No traffic, no connections.
      'end-connections': (step) => {
        this.#find(step);
      },
      'end-flows': (step) => {
        this.#find(step);
      },
      nft: (step: KernelStepOf<'nft'>) => this.#at(step.netns).runScript(step.script),
    };
  }

  #breakAsAsked(step: KernelStep): void {
    const when = this.#failAt;
    if (typeof when === 'number' && when > 1) {
      this.#failAt = when - 1;
    } else if (when === 1 || (typeof when === 'function' && when(step))) {
      this.#failAt = undefined;
      throw new Error('broken on purpose');
    }
  }

  #find(step: { readonly netns?: string }): FakeNamespace | undefined {
    return this.#known(step.netns);
  }

  #known(netns: string | undefined): FakeNamespace | undefined {
    return netns === undefined ? this.#root : this.#named.get(netns.replace(/^\/run\/netns\//, ''));
  }

  #at(netns: string | undefined): FakeNamespace {
    const found = this.#known(netns);
    if (found === undefined) throw new Error(`there is no network namespace "${netns}"`);
    return found;
  }

  #reading(netns: string | undefined): FakeNamespace {
    try {
      return this.#at(netns);
    } catch (error) {
      throw new Failure('kernel-error', error instanceof Error ? error.message : String(error));
    }
  }
}
