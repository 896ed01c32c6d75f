/**
 * Ports of the host for published ports: those that are asked for, or free ones of the automatic range in turn.
 *
 * A port counts as free when no other publication has it and no program of this machine listens on it.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { CnmBinding, CnmPublish } from '../model/cnm.ts';
import { Failure } from '../model/failure.ts';

/** As Linux's `ip_local_port_range`. */
const automatic = { first: 32_768, last: 60_999 } as const;

type Probe = (binding: CnmBinding) => Promise<boolean>;

export class HostPorts {
  readonly #inUse: () => readonly CnmBinding[];
  readonly #isFree: Probe;
  #next: number = automatic.first;

  constructor(inUse: () => readonly CnmBinding[], isFree: Probe = isUnheard) {
    this.#inUse = inUse;
    this.#isFree = isFree;
  }

  /** All or none. Throws `conflict` naming the port. */
  async bind(publish: readonly CnmPublish[], byDefault: readonly string[]): Promise<CnmBinding[]> {
    const bound: CnmBinding[] = [];
    for (const { hostAddress, hostPort, ...port } of publish) {
      const addresses = hostAddress === null ? byDefault : [hostAddress];
      const number = hostPort ?? (await this.#automatic(port, addresses, bound));
      for (const address of addresses) {
        const binding = { ...port, hostAddress: address, hostPort: number };
        if (!(await this.#isAvailable(binding, bound))) {
          throw new Failure('conflict', `Bind for ${address}:${number} failed: port is already allocated`);
        }
        bound.push(binding);
      }
    }
    return bound;
  }

  async #automatic(
    port: Pick<CnmPublish, 'protocol' | 'containerPort'>,
    addresses: readonly string[],
    bound: readonly CnmBinding[],
  ): Promise<number> {
    for (let tries = 0; tries <= automatic.last - automatic.first; tries += 1) {
      const hostPort = this.#next;
      this.#next = hostPort === automatic.last ? automatic.first : hostPort + 1;
      const all = addresses.map((hostAddress) => ({ ...port, hostAddress, hostPort }));
      const free = await Promise.all(all.map((binding) => this.#isAvailable(binding, bound)));
      if (free.every(Boolean)) return hostPort;
    }
    throw new Failure('conflict', `all ports from ${automatic.first} to ${automatic.last} are allocated`);
  }

  async #isAvailable(binding: CnmBinding, bound: readonly CnmBinding[]): Promise<boolean> {
    const isTaken = [...this.#inUse(), ...bound].some((other) => collides(other, binding));
    return !isTaken && this.#isFree(binding);
  }
}

function collides(a: CnmBinding, b: CnmBinding): boolean {
  const sameFamily = a.hostAddress.includes(':') === b.hostAddress.includes(':');
  const isAny = [a.hostAddress, b.hostAddress].some((address) => address === '0.0.0.0' || address === '::');
  return (
    a.protocol === b.protocol &&
    a.hostPort === b.hostPort &&
    sameFamily &&
    (isAny || a.hostAddress === b.hostAddress)
  );
}

/** Whether this machine lets us listen there. Of SCTP nothing can be said. */
function isUnheard({ protocol, hostAddress: host, hostPort: port }: CnmBinding): Promise<boolean> {
  if (protocol === 'sctp') return Promise.resolve(true);
  return new Promise((resolve) => {
    if (protocol === 'tcp') {
      const server = createServer();
      server.once('error', (error) => resolve(isAbsentFamily(host, error)));
      server.listen({ host, port, exclusive: true, ipv6Only: true }, () => server.close(() => resolve(true)));
      return;
    }
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', ipv6Only: host.includes(':') });
    socket.once('error', (error) => {
      socket.close();
      resolve(isAbsentFamily(host, error));
    });
    socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

/** A machine without IPv6 has no port of it that could be taken. */
function isAbsentFamily(host: string, { code }: NodeJS.ErrnoException): boolean {
  return host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL');
}
