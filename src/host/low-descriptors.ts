/**
 * Descriptors with low numbers, kept for a library that can use no others: libnftables waits with select(2), which knows numbers
 * below 1024. Given a higher one, the C library ends the whole process ("bit out of range 0 - FD_SETSIZE"). A busy server has more
 * connections than that, so a few low numbers are taken early, and one of them is let go of just before the library opens its socket.
 * Another thread may be quicker and get it: so it is looked whether the socket is there.
 */
import { libc, SystemCallError } from './libc.ts';

/** FD_SETSIZE. */
const limit = 1024;
/** So many may be opened by other threads in the moment after the look. */
const margin = 64;
const kept = 8;
const closeOnExec = 1;
const socketLevel = 1;
const protocolOption = 38;
const netfilterProtocol = 12;

export class LowDescriptors {
  readonly #reserved: number[] = [];

  constructor() {
    this.#reserve();
  }

  /** `open` opens one socket of netfilter's; `close` undoes it. Throws when no low number could be had: try again later. */
  open<T>(open: () => T, close: (opened: T) => void): T {
    this.#reserve();
    if (isLow(lowestFree())) return open();
    for (let place = this.#reserved.pop(); place !== undefined; place = this.#reserved.pop()) {
      libc.close(place);
      const opened = open();
      if (isNetfilterSocket(place)) return opened;
      close(opened);
    }
    throw new Error(
      'so many files and connections are open that nftables cannot be used until some are closed',
    );
  }

  #reserve(): void {
    while (this.#reserved.length < kept) {
      const descriptor = libc.memoryFile('reserved', closeOnExec);
      if (!isLow(descriptor)) {
        libc.close(descriptor);
        return;
      }
      this.#reserved.push(descriptor);
    }
  }
}

function isLow(descriptor: number): boolean {
  return descriptor < limit - margin;
}

/** The number that the next one to be opened gets. */
function lowestFree(): number {
  const descriptor = libc.memoryFile('probe', closeOnExec);
  libc.close(descriptor);
  return descriptor;
}

function isNetfilterSocket(descriptor: number): boolean {
  const value = Buffer.alloc(4);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  try {
    libc.getOption(descriptor, socketLevel, protocolOption, value, length);
  } catch (error) {
    if (error instanceof SystemCallError) return false;
    throw error;
  }
  return value.readUInt32LE() === netfilterProtocol;
}
