/**
 * Applies routers and the host's external bridge.
 *
 * All of it is one queue: routers share networks, the bridge and the root namespace's rules. Called from within a
 * network's own turn, and never the other way round. The root namespace is changed only while some router has a
 * gateway: its setting `ip_forward` is switched on when it is off (and stays on: others may rely on it by then).
 */
import { KeyedQueue } from '../base/keyed-queue.ts';
import type { Log } from '../base/log.ts';
import type { Undo } from '../base/undo.ts';
import type { Kernel, KernelStep } from '../host/kernel.ts';
import { externalBridge, gatewayLink, namespacePrefix, routerNamespace } from '../model/host-names.ts';
import type { WantedNetwork, WantedRouter } from '../wire/host-network.ts';
import { printRuleset } from './plan/changes.ts';
import {
  admitScript,
  bridgeSteps,
  expelScript,
  externalRuleset,
  externalTable,
  hostFilterTable,
  parseHostFirewall,
  uplinksOf,
} from './plan/external.ts';
import { type RouterState, routerSteps } from './plan/router.ts';

const forwarding = 'net/ipv4/ip_forward';

export class Routers {
  readonly #kernel: Kernel;
  readonly #instance: string;
  readonly #log: Log;
  readonly #queue = new KeyedQueue();
  /** Routers of each network that was converged: newer than any list that a sweep was given. */
  readonly #known = new Map<string, readonly string[]>();

  constructor(options: { readonly kernel: Kernel; readonly instance: string; readonly log: Log }) {
    this.#kernel = options.kernel;
    this.#instance = options.instance;
    this.#log = options.log;
  }

  /** Brings the network's routers, their legs on it and their gateways to what is wanted. */
  converge(network: WantedNetwork, undo: Undo): Promise<void> {
    this.#known.set(
      network.id,
      network.routers.map(({ id }) => id),
    );
    if (network.routers.length === 0) return Promise.resolve();
    return this.#queue.run('routers', async () => {
      const present = await this.#kernel.namespaces();
      const withGateway = network.routers.filter(({ gateway }) => gateway);
      if (withGateway.length > 0) await this.#convergeExternal(withGateway, undo);
      for (const router of network.routers) {
        const netns = routerNamespace(this.#instance, router.id);
        const state = present.includes(netns) ? await this.#read(netns) : undefined;
        if (!state) undo.add(`remove ${netns}`, () => this.#removeRouter(netns, router.id));
        await this.#kernel.apply(routerSteps(this.#instance, { router, network }, state));
      }
    });
  }

  /** The network is no longer on this host: its routers go, unless another network here has them too. */
  async forget(networkId: string): Promise<void> {
    const routers = this.#known.get(networkId) ?? [];
    this.#known.delete(networkId);
    if (routers.length > 0) await this.sweep([]);
  }

  /** Removes the routers that nobody wants, and the way out when no router uses it. Returns what was removed. */
  sweep(alsoWanted: readonly string[]): Promise<string[]> {
    return this.#queue.run('routers', async () => {
      const wantedIds = [...alsoWanted, ...[...this.#known.values()].flat()];
      const wanted = new Set(wantedIds.map((id) => routerNamespace(this.#instance, id)));
      const prefix = `${namespacePrefix(this.#instance)}r`;
      const present = (await this.#kernel.namespaces()).filter((name) => name.startsWith(prefix));
      const unwanted = present.filter((name) => !wanted.has(name));
      for (const netns of unwanted) await this.#removeNamespace(netns);
      const links = await this.#kernel.links();
      const bridge = externalBridge(this.#instance);
      const wantedGateways = new Set(wantedIds.map(gatewayLink));
      const isUsed = links.some((link) => link.bridge === bridge && wantedGateways.has(link.name));
      const hasExternal = links.some((link) => link.name === bridge);
      if (isUsed || !hasExternal) return unwanted;
      await this.#removeExternal();
      return [...unwanted, bridge];
    });
  }

  async #read(netns: string): Promise<RouterState> {
    const [links, addresses] = await Promise.all([this.#kernel.links(netns), this.#kernel.addresses(netns)]);
    return { links, addresses };
  }

  async #convergeExternal(routers: readonly WantedRouter[], undo: Undo): Promise<void> {
    const [links, routes, listing, isForwarding] = await Promise.all([
      this.#kernel.links(),
      this.#kernel.routes(),
      this.#kernel.nftables(hostFilterTable),
      this.#kernel.readSysctl(forwarding),
    ]);
    if (!links.some(({ name }) => name === externalBridge(this.#instance))) {
      undo.add('remove the external bridge', () => this.#removeExternal());
    }
    const steps: KernelStep[] = [
      ...bridgeSteps(this.#instance, routers),
      { do: 'nft', script: printRuleset(externalRuleset(this.#instance, uplinksOf(routes))) },
    ];
    const admit = admitScript(this.#instance, parseHostFirewall(listing));
    if (admit) {
      this.#log.info({ table: hostFilterTable }, 'the host’s FORWARD chain drops: admitting our routers');
      steps.push({ do: 'nft', script: admit });
    }
    if (isForwarding.trim() !== '1') {
      this.#log.info({ sysctl: forwarding }, 'switching on IP forwarding for routers with a gateway');
      steps.push({ do: 'sysctl', key: forwarding, value: '1' });
    }
    await this.#kernel.apply(steps);
  }

  async #removeExternal(): Promise<void> {
    const expel = expelScript(
      this.#instance,
      parseHostFirewall(await this.#kernel.nftables(hostFilterTable)),
    );
    const table = `inet ${externalTable(this.#instance)}`;
    await this.#kernel.apply([
      ...(expel ? [{ do: 'nft', script: expel } as const] : []),
      { do: 'nft', script: `add table ${table}\ndelete table ${table}\n` },
      { do: 'delete-link', name: externalBridge(this.#instance) },
    ]);
  }

  async #removeRouter(netns: string, routerId: string): Promise<void> {
    await this.#kernel.apply([
      { do: 'delete-link', name: gatewayLink(routerId) },
      { do: 'delete-netns', name: netns },
    ]);
  }

  /** The far ends of its links go at once; the kernel may take its time with the namespace. */
  async #removeNamespace(netns: string): Promise<void> {
    const links = await this.#kernel.links(netns);
    await this.#kernel.apply([
      ...links
        .filter(({ kind }) => kind === 'veth')
        .map(({ name }): KernelStep => ({ do: 'delete-link', netns, name })),
      { do: 'delete-netns', name: netns },
    ]);
  }
}
