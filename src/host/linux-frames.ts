/** Raw frames out of a link, by a packet socket that lives for one frame. */
import { endianness } from 'node:os';
import type { KernelStepOf } from './kernel.ts';
import { libc } from './libc.ts';
import { getLink } from './linux-links.ts';
import type { Namespaces } from './namespaces.ts';

const packetFamily = 17;
const rawSocket = 3;
const closeOnExec = 0x80000;

/** Protocol 0: the socket sends, and nothing that arrives is queued for it. */
export function sendFrame(namespaces: Namespaces, { netns, name, frame }: KernelStepOf<'send-frame'>): void {
  const bytes = Buffer.from(frame, 'hex');
  const { index } = getLink(namespaces, name, netns);
  namespaces.within(netns, () => {
    const fd = libc.socket(packetFamily, rawSocket | closeOnExec, 0);
    try {
      const address = linkAddress(index);
      libc.bind(fd, address, address.length);
      libc.send(fd, bytes, bytes.length, 0);
    } finally {
      libc.close(fd);
    }
  });
}

/** `struct sockaddr_ll` of packet(7), with the fields that bind looks at. */
function linkAddress(index: number): Buffer {
  const address = Buffer.alloc(20);
  const isLittle = endianness() === 'LE';
  if (isLittle) address.writeUInt16LE(packetFamily, 0);
  else address.writeUInt16BE(packetFamily, 0);
  if (isLittle) address.writeInt32LE(index, 4);
  else address.writeInt32BE(index, 4);
  return address;
}
