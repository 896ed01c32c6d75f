/**
 * The resolver of one network: its own names first, other servers for the rest.
 *
 * Whom it asks: the servers of the asker's subnet, or else those of the machine. A tenant's list cannot lead to the machine
 * itself or to its links: loopback and link-local addresses in it are passed over.
 */
import { isIP } from 'node:net';
import type { WantedNetwork } from '../wire/host-network.ts';
import type { Forwarder } from './forwarder.ts';
import { internet, opcodeOf, passOn, type Query, rcode, reply, type } from './message.ts';
import type { Server } from './upstream.ts';
import { Zone } from './zone.ts';

export interface Outside {
  readonly forwarder: Forwarder;
  readonly hostServers: () => readonly Server[];
}

const port = 53;

export class Resolver {
  readonly #outside: Outside;
  #network: WantedNetwork;
  /** Made when it is first asked for: networks change more often than somebody asks. */
  #zone: Zone | undefined;

  constructor(network: WantedNetwork, outside: Outside) {
    this.#network = network;
    this.#outside = outside;
  }

  update(network: WantedNetwork): void {
    if (network === this.#network) return;
    this.#network = network;
    this.#zone = undefined;
  }

  async answer(query: Query, source: string): Promise<Buffer> {
    const refusal = refusalOf(query);
    if (refusal !== undefined) return reply(query, { rcode: refusal }, false);
    this.#zone ??= new Zone(this.#network);
    const own = this.#zone.answer(query, source);
    if (own) return reply(query, own);
    const named = this.#zone.serversFor(source);
    const servers = named ? named.filter(isElsewhere).map(toServer) : this.#outside.hostServers();
    const asker = { network: this.#network.id, source };
    const passed = await this.#outside.forwarder.ask(query, servers.slice(0, 3), asker);
    return passed
      ? passOn(passed.answer, query, passed.seconds)
      : reply(query, { rcode: rcode.serverFailure }, false);
  }
}

function refusalOf(query: Query): number | undefined {
  if (opcodeOf(query) !== 0) return rcode.notImplemented;
  if (query.class !== internet || query.type === type.axfr || query.type === type.ixfr) return rcode.refused;
  return undefined;
}

/** Not this machine, nor a link of it. */
function isElsewhere(address: string): boolean {
  return isIP(address) !== 0 && !/^(?:0\.|127\.|169\.254\.|2(?:2[4-9]|[3-5]\d)\.|::|f[ef])/i.test(address);
}

const toServer = (address: string): Server => ({ address, port });
