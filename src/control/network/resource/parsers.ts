/**
 * Types of attributes: raw JSON in, a value of the right type out, or a Failure naming attribute and value.
 *
 * As tolerant as Neutron where its clients need it: booleans and numbers may come as text, null text is empty.
 * Rules that need the store or other attributes belong to the use cases.
 */

import { findAddress, formatAddress } from '../../../ipam/address.ts';
import { Failure } from '../../../model/failure.ts';
import { looksLikeUuid } from '../../../model/ids.ts';
import type { AddressRange, HostRoute, PortRange } from '../../../model/network.ts';
import { invalidInput } from '../collection.ts';

export interface Parser<T> {
  /** For documentation. */
  readonly type: string;
  readonly parse: (value: unknown, name: string) => T;
}

const longestText = 255;
const mostItems = 1_000;

export function refuse(name: string, reason: string): never {
  throw new Failure('invalid-value', `Invalid input for ${name}. Reason: ${reason}`);
}

/** A value as an error shows it: quoted, and never longer than a line. */
export function quote(value: unknown): string {
  const shown = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
  return `'${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown}'`;
}

export const text: Parser<string> = {
  type: 'string, up to 255 characters',
  parse: (value, name) => {
    if (value === null) return '';
    if (typeof value !== 'string') return refuse(name, `${quote(value)} is not a valid string.`);
    if (value.length > longestText) {
      return refuse(name, `${quote(value)} exceeds maximum length of ${longestText}.`);
    }
    // What no database keeps as it is: half of a surrogate pair, and NUL.
    if (!value.isWellFormed() || value.includes('\0')) {
      return refuse(name, `${quote(value.toWellFormed())} has characters that cannot be stored.`);
    }
    return value;
  },
};

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/** Empty for objects and lists: JavaScript cannot make a text of `{"toString": 1}`. */
export function scalarText(value: unknown): string {
  return typeof value === 'object' ? '' : String(value);
}

export const boolean: Parser<boolean> = {
  type: 'boolean',
  parse: (value) => {
    const known = booleans.get(scalarText(value).toLowerCase());
    if (known !== undefined) return known;
    throw invalidInput(`${quote(value)} cannot be converted to boolean.`);
  },
};

export const integer: Parser<number> = {
  type: 'integer',
  parse: (value) => {
    const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
    throw invalidInput(`${quote(value)} is not an integer.`);
  },
};

export function integerBetween(smallest: number, largest: number): Parser<number> {
  return {
    type: `integer from ${smallest} to ${largest}`,
    parse: (value, name) => {
      const number = integer.parse(value, name);
      if (number >= smallest && number <= largest) return number;
      return refuse(name, `${quote(value)} is not between ${smallest} and ${largest}.`);
    },
  };
}

export const uuid: Parser<string> = {
  type: 'UUID',
  parse: (value, name) => {
    if (typeof value === 'string' && looksLikeUuid(value)) return value;
    return refuse(name, `${quote(value)} is not a valid UUID.`);
  },
};

/** Ids of projects are opaque. */
export const uuidOrHex: Parser<string> = { ...text, type: 'project id' };

export function oneOf<T extends string>(values: readonly T[]): Parser<T> {
  return {
    type: values.map((value) => `\`${value}\``).join(' or '),
    parse: (value, name) => {
      const known = values.find((candidate) => candidate === value);
      return known ?? refuse(name, `${quote(value)} is not in [${values.map(quote).join(', ')}].`);
    },
  };
}

/** In whatever case it comes. */
export function lowerCase<T>(parser: Parser<T>): Parser<T> {
  return {
    type: parser.type,
    parse: (value, name) => parser.parse(typeof value === 'string' ? value.toLowerCase() : value, name),
  };
}

/** Null and (for clients that cannot send null) empty text stand for null. */
export function orNull<T>(parser: Parser<T>): Parser<T | null> {
  return {
    type: `${parser.type}, or null`,
    parse: (value, name) => (value === null || value === '' ? null : parser.parse(value, name)),
  };
}

export function listOf<T>(parser: Parser<T>): Parser<readonly T[]> {
  return {
    type: `list of ${parser.type}`,
    parse: (value, name) => {
      const items = value === null ? [] : value;
      if (!Array.isArray(items)) return refuse(name, `${quote(value)} is not a list.`);
      if (items.length > mostItems) return refuse(name, `more than ${mostItems} items.`);
      return items.map((item: unknown) => parser.parse(item, name));
    },
  };
}

export function distinct<T>(parser: Parser<readonly T[]>): Parser<readonly T[]> {
  return {
    type: parser.type,
    parse: (value, name) => {
      const items = parser.parse(value, name);
      const twice = items.find((item, index) => items.indexOf(item) !== index);
      if (twice !== undefined) refuse(name, `Duplicate items in the list: ${quote(twice)}.`);
      return items;
    },
  };
}

type Raw = Readonly<Record<string, unknown>>;

/** An object with no other keys than these. */
export function record(value: unknown, name: string, keys: readonly string[]): Raw {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(name, `${quote(value)} is not an object.`);
  }
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) refuse(name, `Unexpected key ${quote(unknown)}; ${keys.join(', ')} are known.`);
  return value as Raw;
}

function textIn(raw: Raw, key: string, name: string): string {
  const value = raw[key];
  if (typeof value !== 'string') return refuse(name, `${key} ${quote(value)} is not a valid string.`);
  return value;
}

export const addressRange: Parser<AddressRange> = {
  type: '`{start, end}`',
  parse: (value, name) => {
    const raw = record(value, name, ['start', 'end']);
    return { start: textIn(raw, 'start', name), end: textIn(raw, 'end', name) };
  },
};

export const hostRoute: Parser<HostRoute> = {
  type: '`{destination, nexthop}`',
  parse: (value, name) => {
    const raw = record(value, name, ['destination', 'nexthop']);
    return { destination: textIn(raw, 'destination', name), nexthop: textIn(raw, 'nexthop', name) };
  },
};

export const askedAddress: Parser<{ readonly subnetId?: string; readonly ipAddress?: string }> = {
  type: '`{subnet_id, ip_address}`, at least one of the two',
  parse: (value, name) => {
    const raw = record(value, name, ['subnet_id', 'ip_address']);
    return {
      ...(raw.subnet_id == null ? {} : { subnetId: uuid.parse(raw.subnet_id, name) }),
      ...(raw.ip_address == null ? {} : { ipAddress: textIn(raw, 'ip_address', name) }),
    };
  },
};

export const askedPair: Parser<{ readonly macAddress?: string; readonly ipAddress: string }> = {
  type: '`{ip_address, mac_address}`',
  parse: (value, name) => {
    const raw = record(value, name, ['ip_address', 'mac_address']);
    return {
      ipAddress: textIn(raw, 'ip_address', name),
      ...(raw.mac_address == null ? {} : { macAddress: textIn(raw, 'mac_address', name) }),
    };
  },
};

const longestDictionary = 4095;

/** Any object, as it is, up to what Neutron keeps. */
export const dictionary: Parser<Raw> = {
  type: 'object, up to 4095 characters of JSON',
  parse: (value, name) => {
    if (value === null) return {};
    if (typeof value !== 'object' || Array.isArray(value)) {
      return refuse(name, `${quote(value)} is not a dictionary.`);
    }
    const shown = JSON.stringify(value);
    if (shown.length > longestDictionary) refuse(name, `exceeds maximum length of ${longestDictionary}.`);
    return value as Raw;
  },
};

export const askedDhcpOption: Parser<{
  readonly name: string;
  readonly value: string | null;
  readonly ipVersion?: 4 | 6;
}> = {
  type: '`{opt_name, opt_value, ip_version}`',
  parse: (value, name) => {
    const raw = record(value, name, ['opt_name', 'opt_value', 'ip_version']);
    const option = text.parse(raw.opt_name, name);
    if (option === '') return refuse(name, 'opt_name is missing or empty.');
    if (raw.opt_value === undefined) return refuse(name, `opt_value of ${quote(option)} is missing.`);
    return {
      name: option,
      value: raw.opt_value === null ? null : text.parse(raw.opt_value, name),
      ...(raw.ip_version == null ? {} : { ipVersion: ipVersion.parse(raw.ip_version, name) }),
    };
  },
};

export const ipVersion: Parser<4 | 6> = {
  type: '`4` or `6`',
  parse: (value, name) =>
    oneOf(['4', '6']).parse(typeof value === 'number' ? String(value) : value, name) === '4' ? 4 : 6,
};

/** The value that it has anyway: clients send it, we have no choice to offer. */
export function exactly<T extends boolean>(only: T): Parser<T> {
  return {
    type: `always \`${only}\``,
    parse: (value, name) => {
      if (boolean.parse(value, name) === only) return only;
      return refuse(name, `${quote(value)} is not supported, only ${only} is.`);
    },
  };
}

export const ipAddress: Parser<string> = {
  type: 'IP address',
  parse: (value, name) => {
    const address = typeof value === 'string' ? findAddress(value) : undefined;
    return address ? formatAddress(address) : refuse(name, `${quote(value)} is not a valid IP address.`);
  },
};

/** `80:89`, or a single port. */
export const portRange: Parser<PortRange> = {
  type: '`first:last`, ports from 1 to 65535',
  parse: (value, name) => {
    const [, first, last = first] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(scalarText(value)) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (from >= 1 && from <= to && to <= 65_535) return { from, to };
    return refuse(name, `${quote(value)} is not a valid port range.`);
  },
};

interface AskedGateway {
  readonly networkId: string;
  readonly enableSnat?: boolean;
  readonly externalFixedIps?: readonly { readonly subnetId?: string; readonly ipAddress?: string }[];
}

/** Null and `{}` stand for no gateway. */
export const gatewayInfo: Parser<AskedGateway | null> = {
  type: '`{network_id, enable_snat, external_fixed_ips}`; `{}` or null = none',
  parse: (value, name) => {
    if (value === null) return null;
    const raw = record(value, name, ['network_id', 'enable_snat', 'external_fixed_ips']);
    if (Object.keys(raw).length === 0) return null;
    return {
      networkId: uuid.parse(raw.network_id, `${name}.network_id`),
      ...(raw.enable_snat === undefined ? {} : { enableSnat: boolean.parse(raw.enable_snat, name) }),
      ...(raw.external_fixed_ips == null
        ? {}
        : { externalFixedIps: listOf(askedAddress).parse(raw.external_fixed_ips, name) }),
    };
  },
};
