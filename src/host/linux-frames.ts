/** Raw frames out of a link, through its namespace's packet socket. */
import { endianness } from 'node:os';
import type { KernelStepOf } from './kernel.ts';
import { libc } from './libc.ts';
import { getLink } from './linux-links.ts';
import { type Namespaces, packetFamily } from './namespaces.ts';

export function sendFrame(namespaces: Namespaces, { netns, name, frame }: KernelStepOf<'send-frame'>): void {
  const bytes = Buffer.from(frame, 'hex');
  const address = linkAddress(getLink(namespaces, name, netns).index);
  libc.sendTo(namespaces.packetSocket(netns), bytes, bytes.length, 0, address, address.length);
}

/** `struct sockaddr_ll` of packet(7), with the fields that sending looks at. */
function linkAddress(index: number): Buffer {
  const address = Buffer.alloc(20);
  const isLittle = endianness() === 'LE';
  if (isLittle) address.writeUInt16LE(packetFamily, 0);
  else address.writeUInt16BE(packetFamily, 0);
  if (isLittle) address.writeInt32LE(index, 4);
  else address.writeInt32BE(index, 4);
  return address;
}
