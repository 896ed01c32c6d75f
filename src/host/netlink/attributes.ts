/**
 * Netlink attributes: length, type, value, padded to four bytes; values may be attributes again.
 *
 * Numbers are in the machine's byte order, which is little-endian on every platform we run on; addresses and
 * flow identifiers are in network order and arrive here as bytes. Pure.
 * Contract: linux/netlink.h and the kernel's user-space API headers of each family.
 */
const headerLength = 4;
/** Upper two bits of a type are flags (nested, network byte order). */
const typeMask = 0x3fff;
const nestedFlag = 0x8000;

export type Attributes = ReadonlyMap<number, Buffer>;

export function align(length: number): number {
  return (length + 3) & ~3;
}

export function bytes(type: number, value: Uint8Array): Buffer {
  const length = headerLength + value.length;
  const buffer = Buffer.alloc(align(length));
  buffer.writeUInt16LE(length, 0);
  buffer.writeUInt16LE(type, 2);
  buffer.set(value, headerLength);
  return buffer;
}

export function u8(type: number, value: number): Buffer {
  return bytes(type, Uint8Array.of(value));
}

export function u16(type: number, value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(value);
  return bytes(type, buffer);
}

export function u32(type: number, value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return bytes(type, buffer);
}

/** A NUL-terminated text: names. */
export function name(type: number, value: string): Buffer {
  return bytes(type, Buffer.from(`${value}\0`));
}

export function nested(type: number, ...children: readonly Uint8Array[]): Buffer {
  return bytes(type | nestedFlag, Buffer.concat(children));
}

/** The attributes in a message's or attribute's value; of several with one type the last counts. */
export function parseAttributes(buffer: Buffer): Attributes {
  const found = new Map<number, Buffer>();
  let at = 0;
  while (at + headerLength <= buffer.length) {
    const length = buffer.readUInt16LE(at);
    if (length < headerLength || at + length > buffer.length) {
      throw new RangeError(`netlink attribute of ${length} bytes at ${at} of ${buffer.length}`);
    }
    found.set(buffer.readUInt16LE(at + 2) & typeMask, buffer.subarray(at + headerLength, at + length));
    at += align(length);
  }
  return found;
}

export function readText(value: Buffer | undefined): string | undefined {
  if (value === undefined) return undefined;
  const end = value.indexOf(0);
  return value.toString('utf8', 0, end < 0 ? value.length : end);
}

export function readU32(value: Buffer | undefined): number | undefined {
  return value === undefined || value.length < 4 ? undefined : value.readUInt32LE(0);
}
