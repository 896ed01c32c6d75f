/**
 * Kuryr's options: which existing network, subnets and pools are meant. The driver gets them by `-o`, IPAM by
 * `--ipam-opt`; neither sees the other's, so users give subnet and pool options twice.
 */
import { Failure } from '../../model/failure.ts';

export interface Reference {
  readonly by: 'id' | 'name';
  readonly value: string;
}

type Texts = Readonly<Record<string, unknown>>;

const byIdOrName = (prefix: string) => [`${prefix}.uuid`, `${prefix}.name`];

/** By `--ipam-opt`. Callers in the manner of Zun give both drivers the same. */
export const poolOptions: readonly string[] = [
  ...['neutron.net', 'neutron.subnet', 'neutron.subnet.v6', 'neutron.pool', 'neutron.pool.v6'].flatMap(
    byIdOrName,
  ),
  'neutron.net.shared',
];

/** An option in our words that we do not know is a slip, which would give the container another network or group. */
export function refuseUnknown(options: Texts, known: readonly string[]): void {
  const unknown = Object.keys(options).find((key) => /^(neutron|berth)\./.test(key) && !known.includes(key));
  if (unknown === undefined) return;
  throw new Failure('invalid-value', `there is no option ${unknown} here: there are ${known.join(', ')}`);
}

export function networkReference(options: Texts): Reference | undefined {
  return reference(options, 'neutron.net');
}

export function subnetReference(options: Texts, version: 4 | 6): Reference | undefined {
  return reference(options, version === 4 ? 'neutron.subnet' : 'neutron.subnet.v6');
}

export function poolReference(options: Texts, version: 4 | 6): Reference | undefined {
  return reference(options, version === 4 ? 'neutron.pool' : 'neutron.pool.v6');
}

/** `neutron.net.shared`; undefined = not said. */
export function sharedOption(options: Texts): boolean | undefined {
  const text = textOf(options, 'neutron.net.shared')?.toLowerCase();
  if (text === undefined) return undefined;
  if (['true', '1', 'yes', 'on', 't', 'y'].includes(text)) return true;
  if (['false', '0', 'no', 'off', 'f', 'n'].includes(text)) return false;
  throw new Failure('invalid-value', `neutron.net.shared is true or false, not "${text}"`);
}

export function mtuOption(options: Texts, key: string): number | undefined {
  const text = textOf(options, key);
  if (text === undefined) return undefined;
  if (!/^\d{2,5}$/.test(text))
    throw new Failure('invalid-value', `${key} is a number of bytes, not "${text}"`);
  return Number(text);
}

function reference(options: Texts, prefix: string): Reference | undefined {
  const id = textOf(options, `${prefix}.uuid`);
  if (id !== undefined) return { by: 'id', value: id };
  const name = textOf(options, `${prefix}.name`);
  return name === undefined ? undefined : { by: 'name', value: name };
}

function textOf(options: Texts, key: string): string | undefined {
  const value = options[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
