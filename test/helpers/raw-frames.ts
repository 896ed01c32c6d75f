/** Frames byte by byte: sends what a honest kernel would not, and shows what arrives. Python has the raw sockets. */
import type { Running, WiredContainer } from './wired-container.ts';

const listener = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("eth0", 0))
print("listening", flush=True)
while True:
    data, where = s.recvfrom(2048)
    if where[2] != 4: print(data.hex(), flush=True)
`;

const sender = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
for frame in sys.argv[1:]: s.send(bytes.fromhex(frame))
`;

/** Every frame that comes in, one line of hexadecimal digits each, after a first line \`listening\`. */
export function listen(container: WiredContainer): Running {
  return container.start('/usr/bin/python3', '-c', listener);
}

export async function send(container: WiredContainer, frames: readonly string[]): Promise<void> {
  await container.exec('/usr/bin/python3', '-c', sender, ...frames);
}

export const hexOf = {
  mac: (mac: string) => mac.replaceAll(':', ''),
  v4: (address: string) =>
    address
      .split('.')
      .map((part) => Number(part).toString(16).padStart(2, '0'))
      .join(''),
  /** Of `head::tail` only, with a group each. */
  v6: (address: string) => {
    const [head = '', tail = ''] = address.split('::');
    const word = (text: string) =>
      text
        .split(':')
        .filter(Boolean)
        .map((group) => group.padStart(4, '0'))
        .join('');
    return word(head) + word(tail).padStart(32 - word(head).length, '0');
  },
  text: (text: string) => Buffer.from(text).toString('hex'),
  /** A number of so many bytes. */
  number: (value: number, bytes: number) => value.toString(16).padStart(bytes * 2, '0'),
};

/** Internet checksum (RFC 1071) of hexadecimal digits. */
export function checksum(hex: string): string {
  let sum = 0;
  for (let at = 0; at < hex.length; at += 4) sum += Number.parseInt(hex.slice(at, at + 4).padEnd(4, '0'), 16);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return hexOf.number(~sum & 0xffff, 2);
}

export interface Ends {
  readonly from: string;
  readonly to: string;
}

export function ethernet({ from, to }: Ends, type: string, payload: string): string {
  return hexOf.mac(to) + hexOf.mac(from) + type + payload;
}

/** An IPv4 packet with a UDP datagram (no checksum) that carries the text. */
export function udp4(
  { from, to }: Ends,
  text: string,
  ports: { from: number; to: number } = { from: 9, to: 9 },
): string {
  const data = hexOf.text(text);
  const length = data.length / 2 + 8;
  const datagram = `${hexOf.number(ports.from, 2)}${hexOf.number(ports.to, 2)}${hexOf.number(length, 2)}0000${data}`;
  const head = `4500${hexOf.number(length + 20, 2)}000000004011`;
  const addresses = hexOf.v4(from) + hexOf.v4(to);
  return `${head}${checksum(`${head}0000${addresses}`)}${addresses}${datagram}`;
}

/** An ICMPv6 message in an IPv6 packet, hop limit 255. */
export function icmp6({ from, to }: Ends, type: number, body: string): string {
  const length = body.length / 2 + 4;
  const addresses = hexOf.v6(from) + hexOf.v6(to);
  const pseudo = `${addresses}${hexOf.number(length, 4)}${hexOf.number(58, 4)}`;
  const sum = checksum(`${pseudo}${hexOf.number(type, 1)}000000${body}`);
  return `60000000${hexOf.number(length, 2)}3aff${addresses}${hexOf.number(type, 1)}00${sum}${body}`;
}

/** An ARP answer: the sender's MAC has the sender's address. */
export function arpReply(sender: Station, receiver: Station): string {
  const station = ({ mac, address }: Station) => hexOf.mac(mac) + hexOf.v4(address);
  return `0001080006040002${station(sender)}${station(receiver)}`;
}

export interface Station {
  readonly mac: string;
  readonly address: string;
}
