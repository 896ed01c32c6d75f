/** 32-bit FNV-1a: a short, stable number for a text. Not for secrets. */
export function fingerprint(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}

/** As nft writes it. */
export function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
