/**
 * Addresses as text and as the bytes the kernel wants. Throws a plain Error that names the text.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { Address6 } from 'ip-address';

export interface Prefix {
  readonly bytes: Buffer;
  readonly length: number;
}

/** 4 or 16 bytes in network order. */
export function parseIp(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (!isIPv6(text) || text.includes('%')) throw new Error(`"${text}" is not an IP address`);
  return Buffer.from(new Address6(text).toUnsignedByteArray());
}

export function formatIp(address: Uint8Array): string {
  return address.length === 4
    ? address.join('.')
    : Address6.fromUnsignedByteArray([...address]).correctForm();
}

/** `10.0.0.1/24` → bytes and length; without a length the whole address counts. */
export function parsePrefix(text: string): Prefix {
  const [address = '', length, ...rest] = text.split('/');
  const bytes = parseIp(address);
  const bits = length === undefined ? bytes.length * 8 : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (rest.length > 0 || bits < 0 || bits > bytes.length * 8) {
    throw new Error(`"${text}" is not an address with a prefix length`);
  }
  return { bytes, length: bits };
}

export function formatPrefix({ bytes, length }: Prefix): string {
  return `${formatIp(bytes)}/${length}`;
}
