/**
 * One question to one server: by UDP from a port and with a number of its own, by TCP when the answer was cut short.
 *
 * An answer counts only when it came from that server, with that number and to that question; anything else is ignored
 * and waited on. Throws when nothing good came in time.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, isIPv6, type Socket } from 'node:net';
import { frame, readMessages } from './framing.ts';
import { type Answer, flag, parseAnswer, type Query, rcode, toUpstream } from './message.ts';

export interface Server {
  readonly address: string;
  readonly port: number;
}

export async function askServer(server: Server, query: Query, timeoutMs: number): Promise<Answer> {
  const signal = AbortSignal.timeout(timeoutMs);
  const answer = await overUdp(server, query, signal, true);
  // A server from before EDNS says that it cannot read it.
  const isOld = answer.rcode === rcode.formatError || answer.rcode === rcode.notImplemented;
  const plain = isOld ? await overUdp(server, query, signal, false) : answer;
  return (plain.flags & flag.truncated) === 0 ? plain : overTcp(server, query, signal);
}

async function overUdp(
  server: Server,
  query: Query,
  signal: AbortSignal,
  withEdns: boolean,
): Promise<Answer> {
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
  const id = randomInt(0x10000);
  try {
    // Connected: the kernel lets in what comes from there only.
    socket.connect(server.port, server.address);
    await once(socket, 'connect', { signal });
    const result = new Promise<Answer>((resolve, reject) => {
      socket.on('message', (message) => {
        const answer = findAnswer(message, query, id);
        if (answer) resolve(answer);
      });
      socket.on('error', reject);
      signal.addEventListener('abort', () => reject(new Error(`${server.address} did not answer in time`)));
    });
    socket.send(toUpstream(query, id, withEdns));
    return await result;
  } finally {
    socket.close();
  }
}

async function overTcp(server: Server, query: Query, signal: AbortSignal): Promise<Answer> {
  const id = randomInt(0x10000);
  const socket: Socket = connect({ host: server.address, port: server.port, signal });
  try {
    await once(socket, 'connect', { signal });
    socket.write(frame(toUpstream(query, id, true)));
    for await (const received of readMessages(socket)) {
      const answer = findAnswer(received, query, id);
      if (answer) return answer;
    }
    throw new Error(`${server.address} closed the connection without an answer`);
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}

function findAnswer(message: Buffer, query: Query, id: number): Answer | undefined {
  try {
    const answer = parseAnswer(message);
    const isMeant =
      answer.id === id &&
      answer.name === query.name &&
      answer.type === query.type &&
      answer.class === query.class &&
      answer.question.length === query.question.length;
    return isMeant ? answer : undefined;
  } catch {
    return undefined;
  }
}
