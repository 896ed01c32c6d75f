/** Options of networks and endpoints by their labels (libnetwork's netlabel and the drivers' own). Pure. */
import { findAddress } from '../../ipam/address.ts';
import { Failure } from '../../model/failure.ts';

export const label = {
  mtu: 'com.docker.network.driver.mtu',
  interfacePrefix: 'com.docker.network.container_iface_prefix',
  hostIpv4: 'com.docker.network.host_ipv4',
  bridgeName: 'com.docker.network.bridge.name',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  icc: 'com.docker.network.bridge.enable_icc',
  hostBindingIpv4: 'com.docker.network.bridge.host_binding_ipv4',
  inhibitIpv4: 'com.docker.network.bridge.inhibit_ipv4',
  vxlanIds: 'com.docker.network.driver.overlay.vxlanid_list',
  parent: 'parent',
  macvlanMode: 'macvlan_mode',
} as const;

export type Options = Readonly<Record<string, string>>;

export function booleanOf(options: Options, name: string, byDefault: boolean): boolean {
  const text = options[name];
  if (text === undefined) return byDefault;
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw wrong(name, text, 'expected true or false');
}

/** Undefined when nothing is said, or 0. */
export function mtuOf(options: Options): number | undefined {
  const text = options[label.mtu];
  if (text === undefined || text === '0') return undefined;
  const mtu = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (mtu >= 68 && mtu <= 65_535) return mtu;
  throw wrong(label.mtu, text, 'expected a number from 68 to 65535');
}

export function linkNameOf(options: Options, name: string, byDefault: string): string {
  const text = options[name] ?? byDefault;
  if (/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}$/.test(text)) return text;
  throw wrong(name, text, 'expected the name of a link: at most 15 letters, digits, "_", "." and "-"');
}

/** What interfaces inside are called, before their number. */
export function prefixOf(options: Options): string {
  const text = options[label.interfacePrefix] ?? 'eth';
  if (/^[a-zA-Z][a-zA-Z0-9_-]{0,11}$/.test(text)) return text;
  throw wrong(label.interfacePrefix, text, 'expected at most 12 letters and digits');
}

export function addressOf(options: Options, name: string): string | undefined {
  const text = options[name];
  if (text === undefined || text === '') return undefined;
  if (findAddress(text)?.version === 4) return text;
  throw wrong(name, text, 'expected an IPv4 address');
}

export function wrong(name: string, value: string, reason: string): Failure {
  return new Failure('invalid-value', `failed to parse ${name} value: ${value} (${reason})`);
}
