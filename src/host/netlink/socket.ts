/**
 * A netlink socket (of routes, unless another family is asked for): one request at a time, answered before the next, synchronously.
 *
 * It belongs for ever to the namespace that the thread was in when it was opened. A call that fails to read its
 * whole answer leaves the socket unusable: whoever holds it closes it (`isBroken`).
 */
import { errno, libc, SystemCallError } from '../libc.ts';
import {
  encodeMessage,
  flag,
  NetlinkError,
  type NetlinkMessage,
  type NetlinkRequest,
  outcomeOf,
  parseMessages,
} from './message.ts';

const domain = 16;
const rawCloseOnExec = 3 | 0o2000000;
const level = { socket: 1, netlink: 270 } as const;
const option = { receiveTimeout: 20, capAck: 10, extendedAck: 11 } as const;
const reportLength = 0x20;
const timeoutSeconds = 10;
const maximumDatagram = 1 << 17;
const dumpTries = 5;

/** Families: NETLINK_ROUTE and NETLINK_NETFILTER. */
const route = 0;
export const netfilter = 12;

/** Shared by all sockets of the thread: answers are read one at a time and copied. */
const datagram = Buffer.allocUnsafeSlow(maximumDatagram);

interface Answer {
  readonly payloads: Buffer[];
  readonly interrupted: boolean;
}

export class NetlinkSocket {
  readonly #fd: number;
  #sequence = 0;
  isBroken = false;

  constructor(family = route) {
    this.#fd = libc.socket(domain, rawCloseOnExec, family);
    const on = Buffer.alloc(4);
    on.writeInt32LE(1);
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(BigInt(timeoutSeconds));
    libc.setOption(this.#fd, level.netlink, option.extendedAck, on, 4);
    libc.setOption(this.#fd, level.netlink, option.capAck, on, 4);
    libc.setOption(this.#fd, level.socket, option.receiveTimeout, timeout, 16);
  }

  /** A change; returns when the kernel has made it. */
  change(request: NetlinkRequest): void {
    this.#exchange(request);
  }

  /** One object; undefined when the kernel has none such. */
  find(request: NetlinkRequest): Buffer | undefined {
    try {
      return this.#exchange({ ...request, flags: request.flags | flag.ack }).payloads[0];
    } catch (error) {
      if (error instanceof NetlinkError && error.errno === errno.ENODEV) return undefined;
      throw error;
    }
  }

  /** All objects; asks again when they changed while the kernel was listing them. */
  list(request: NetlinkRequest): Buffer[] {
    for (let attempt = 1; attempt <= dumpTries; attempt += 1) {
      const { payloads, interrupted } = this.#exchange(request);
      if (!interrupted) return payloads;
    }
    throw new Error(`the kernel's list changed during each of ${dumpTries} readings`);
  }

  close(): void {
    libc.close(this.#fd);
  }

  #exchange(request: NetlinkRequest): Answer {
    this.#sequence = (this.#sequence + 1) >>> 0;
    const message = encodeMessage(request, this.#sequence);
    libc.send(this.#fd, message, message.length, 0);
    const payloads: Buffer[] = [];
    let interrupted = false;
    for (;;) {
      for (const answer of this.#receive()) {
        if (answer.sequence !== this.#sequence) continue;
        interrupted ||= (answer.flags & flag.dumpInterrupted) !== 0;
        if (outcomeOf(answer) === 'done') return { payloads, interrupted };
        payloads.push(answer.payload);
      }
    }
  }

  #receive(): NetlinkMessage[] {
    for (;;) {
      try {
        const length = libc.receive(this.#fd, datagram, maximumDatagram, reportLength);
        if (length > maximumDatagram) throw new RangeError(`netlink answer of ${length} bytes`);
        return parseMessages(Buffer.from(datagram.subarray(0, length)));
      } catch (error) {
        if (error instanceof SystemCallError && error.errno === errno.EINTR) continue;
        this.isBroken = true;
        throw error;
      }
    }
  }
}
