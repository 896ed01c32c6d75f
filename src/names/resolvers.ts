/**
 * The resolvers of this host's networks: their sockets are opened in the network's namespace and served from here.
 *
 * A socket keeps its namespace alive, so whoever removes a namespace closes its resolver first. A new process opens them
 * anew: the old one's went with it.
 */
import type { Log } from '../base/log.ts';
import type { Kernel } from '../host/kernel.ts';
import { resolverAddress, resolverPort } from '../model/resolver.ts';
import type { WantedNetwork } from '../wire/host-network.ts';
import { Forwarder } from './forwarder.ts';
import { HostServers } from './host-servers.ts';
import { type Answerer, type Listener, serveTcp, serveUdp } from './listener.ts';
import { type Outside, Resolver } from './resolver.ts';

export interface ResolversOptions {
  readonly kernel: Pick<Kernel, 'openSocket'>;
  readonly log: Log;
  /** Those of the machine, unless given. */
  readonly outside?: Outside;
}

interface Served {
  readonly resolver: Resolver;
  readonly listeners: readonly Listener[];
}

export class Resolvers {
  readonly #kernel: Pick<Kernel, 'openSocket'>;
  readonly #outside: Outside;
  /** By namespace. */
  readonly #served = new Map<string, Served>();

  constructor({ kernel, log, outside }: ResolversOptions) {
    const hostServers = new HostServers();
    this.#kernel = kernel;
    this.#outside = outside ?? { forwarder: new Forwarder({ log }), hostServers: () => hostServers.list() };
  }

  /** Answers for the network as it is now. Idempotent; the namespace stands and has the resolver's addresses. */
  async serve(netns: string, network: WantedNetwork): Promise<void> {
    const present = this.#served.get(netns);
    if (present) {
      present.resolver.update(network);
      return;
    }
    const resolver = new Resolver(network, this.#outside);
    const listeners: Listener[] = [];
    try {
      for (const version of [4, 6] as const) {
        const where = { address: resolverAddress[version], port: resolverPort };
        const answer: Answerer = (query, source) => resolver.answer(query, source);
        const udp = await this.#kernel.openSocket({ ...where, protocol: 'udp' }, netns);
        listeners.push(serveUdp(udp, version, answer));
        const tcp = await this.#kernel.openSocket({ ...where, protocol: 'tcp' }, netns);
        listeners.push(serveTcp(tcp, answer));
      }
    } catch (error) {
      for (const listener of listeners) listener.close();
      throw error;
    }
    this.#served.set(netns, { resolver, listeners });
  }

  /** Nobody there is success. */
  close(netns: string): void {
    for (const listener of this.#served.get(netns)?.listeners ?? []) listener.close();
    this.#served.delete(netns);
  }

  closeAll(): void {
    for (const netns of [...this.#served.keys()]) this.close(netns);
  }
}
