/** Hardware addresses: canonical text (`fa:16:3e:12:34:56`) and random ones below a prefix of ours. */
import { Failure } from '../model/failure.ts';
import type { Random } from './allocate.ts';

const macPattern = /^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i;

/** Throws `invalid-value` for what is no address of a single network card (groups and all zeros are not). */
export function canonicalMac(text: string): string {
  const mac = text.toLowerCase().replaceAll('-', ':');
  const isGroup = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  if (!macPattern.test(text) || isGroup || mac === '00:00:00:00:00:00') {
    throw new Failure('invalid-value', `'${text}' is not a valid MAC address`);
  }
  return mac;
}

/** `prefix`: one to five bytes, `fa:16:3e`. The store's unique index (network, MAC) has the last word. */
export function randomMac(prefix: string, random: Random): string {
  const given = prefix.toLowerCase().split(':');
  const rest = [...random(6 - given.length)].map((byte) => byte.toString(16).padStart(2, '0'));
  return canonicalMac([...given, ...rest].join(':'));
}
