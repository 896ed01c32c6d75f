/** Ethernet frames as hexadecimal digits, byte by byte. Pure. */

export function digits(value: bigint, bytes: number): string {
  return value.toString(16).padStart(bytes * 2, '0');
}

/**
 * An ICMPv6 message to all nodes of the link, with the hop limit (255) that says it was not forwarded. `mac` and
 * `source` are digits; `head` is type and code, `body` what follows the checksum.
 */
export function toAllNodes(
  { mac, source }: { readonly mac: string; readonly source: string },
  { head, body }: { readonly head: string; readonly body: string },
): string {
  const allNodes = 'ff020000000000000000000000000001';
  const length = 4 + body.length / 2;
  const pseudo = `${source}${allNodes}${digits(BigInt(length), 4)}0000003a`;
  const sum = checksum(`${pseudo}${head}${body}`);
  const header = `60000000${digits(BigInt(length), 2)}3aff`;
  return `333300000001${mac}86dd${header}${source}${allNodes}${head}${sum}${body}`;
}

/** Of the Internet (RFC 1071). */
function checksum(hex: string): string {
  const words = hex.match(/.{4}/g) ?? [];
  let sum = words.reduce((total, word) => total + Number.parseInt(word, 16), 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return digits(BigInt(~sum & 0xffff), 2);
}
