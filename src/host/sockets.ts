/**
 * Sockets that listen in another namespace: made by whichever thread is in it, and handed on as a descriptor, which
 * belongs to the process. A socket belongs for ever to the namespace that it was made in, and keeps that alive.
 */
import { isIPv6 } from 'node:net';
import { libc } from './libc.ts';
import { parseIp } from './netlink/ip-text.ts';

export interface SocketRequest {
  readonly protocol: 'udp' | 'tcp';
  readonly address: string;
  /** 0 = any that is free. */
  readonly port: number;
}

const family = { 4: 2, 6: 10 } as const;
const type = { tcp: 1, udp: 2 } as const;
const nonBlockingCloseOnExec = 0x800 | 0x80000;
const option = { socketLevel: 1, reuseAddress: 2, ipv6Level: 41, ipv6Only: 26 } as const;
const backlog = 128;

/** Bound, and listening if it is TCP. The descriptor is the caller's to close. */
export function openSocket({ protocol, address, port }: SocketRequest): number {
  const version = isIPv6(address) ? 6 : 4;
  const fd = libc.socket(family[version], type[protocol] | nonBlockingCloseOnExec, 0);
  try {
    // For UDP it would let a second process take half of the packets.
    if (protocol === 'tcp') switchOn(fd, option.socketLevel, option.reuseAddress);
    if (version === 6) switchOn(fd, option.ipv6Level, option.ipv6Only);
    const name = socketAddress(version, parseIp(address), port);
    libc.bind(fd, name, name.length);
    if (protocol === 'tcp') libc.listen(fd, backlog);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function switchOn(fd: number, level: number, name: number): void {
  const on = Buffer.alloc(4);
  on.writeInt32LE(1);
  libc.setOption(fd, level, name, on, on.length);
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
function socketAddress(version: 4 | 6, address: Uint8Array, port: number): Buffer {
  const name = Buffer.alloc(version === 4 ? 16 : 28);
  name.writeUInt16LE(family[version], 0);
  name.writeUInt16BE(port, 2);
  name.set(address, version === 4 ? 4 : 8);
  return name;
}
