/**
 * A small DNS server on loopback: `outside.test` is 192.0.2.7, `long.test` has sixty texts (cut short over UDP), anything
 * else there is no such name. Remembers what it was asked; `mangle` changes what it says.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type Answer, decode, encode, type Packet, TRUNCATED_RESPONSE } from 'dns-packet';
import { frame, readMessages } from '../../src/names/framing.ts';
import type { Server as DnsServer } from '../../src/names/upstream.ts';

/** The messages to send, in order; the second argument says how the question came. */
export type Mangle = (reply: Packet, over: 'udp' | 'tcp', query: Packet) => readonly Buffer[];

const honest: Mangle = (reply) => [encode(reply)];

export class FakeDnsServer {
  readonly #udp: Socket;
  readonly #tcp: Server;
  readonly asked: string[] = [];
  readonly queries: Packet[] = [];
  mangle: Mangle = honest;

  private constructor(udp: Socket, tcp: Server) {
    this.#udp = udp;
    this.#tcp = tcp;
  }

  static async start({ address = '127.0.0.1', port = 0 } = {}): Promise<FakeDnsServer> {
    const tcp = createServer();
    tcp.listen(port, address);
    await once(tcp, 'listening');
    const udp = createSocket('udp4');
    udp.bind((tcp.address() as AddressInfo).port, address);
    await once(udp, 'listening');
    const server = new FakeDnsServer(udp, tcp);
    server.#serve();
    return server;
  }

  get server(): DnsServer {
    const { address, port } = this.#tcp.address() as AddressInfo;
    return { address, port };
  }

  async close(): Promise<void> {
    this.#udp.close();
    this.#tcp.close();
    await once(this.#tcp, 'close');
  }

  #serve(): void {
    this.#udp.on('message', (message, from) => {
      for (const reply of this.#replies(message, 'udp')) this.#udp.send(reply, from.port, from.address);
    });
    this.#tcp.on('connection', async (socket) => {
      socket.on('error', () => undefined);
      for await (const message of readMessages(socket)) {
        for (const reply of this.#replies(message, 'tcp')) {
          socket.write(frame(reply));
        }
      }
    });
  }

  #replies(message: Buffer, over: 'udp' | 'tcp'): readonly Buffer[] {
    const query = decode(message);
    const name = query.questions?.[0]?.name.toLowerCase() ?? '';
    this.asked.push(name);
    this.queries.push(query);
    const isCut = name === 'long.test' && over === 'udp';
    const answers = isCut ? [] : (zone[name] ?? []).filter(({ type }) => type === query.questions?.[0]?.type);
    const reply = {
      id: query.id ?? 0,
      type: 'response',
      flags: (zone[name] ? 0 : 3) | (isCut ? TRUNCATED_RESPONSE : 0),
      questions: query.questions ?? [],
      answers,
    } as const;
    return this.mangle(reply as Packet, over, query);
  }
}

const texts = Array.from(
  { length: 60 },
  (_, at): Answer => ({
    name: 'long.test',
    type: 'TXT',
    ttl: 60,
    data: `${at} ${'x'.repeat(80)}`,
  }),
);

const zone: Record<string, readonly Answer[]> = {
  'outside.test': [{ name: 'outside.test', type: 'A', ttl: 60, data: '192.0.2.7' }],
  'long.test': texts,
};
