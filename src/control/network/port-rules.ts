/** What the parts of a port must be like, each on its own: MAC address, security groups, address pairs. */
import { canonicalAddress, formatCidr, parseCidr } from '../../ipam/address.ts';
import { canonicalMac, randomMac } from '../../ipam/mac.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import type { AddressPair, DhcpOption, Port } from '../../model/network.ts';
import type { Trx } from '../../store/database.ts';
import { everything, type Scope } from '../../store/network/common.ts';
import { findPorts } from '../../store/network/ports.ts';
import { findSecurityGroups } from '../../store/network/security-groups.ts';
import { invalidInput } from './collection.ts';
import type { NetworkContext } from './context.ts';

export interface AskedPair {
  /** Absent = the port's own. */
  readonly macAddress?: string;
  readonly ipAddress: string;
}

export interface AskedDhcpOption {
  readonly name: string;
  /** Null = no longer. */
  readonly value: string | null;
  readonly ipVersion?: 4 | 6;
}

const mostPairs = 10;

/** The asked MAC when nobody on the network has it, or a new random one. */
export async function chooseMac(
  { config, random }: NetworkContext,
  trx: Trx,
  { networkId, asked }: { readonly networkId: Uuid; readonly asked: string | undefined },
): Promise<string> {
  if (asked === undefined) return randomMac(config.network.macPrefix, random);
  const mac = canonicalMac(asked);
  const holders = await findPorts(trx, everything, { network_id: [networkId], mac_address: [mac] });
  if (holders.length === 0) return mac;
  throw new Failure(
    'mac-address-in-use',
    `Unable to complete operation for network ${networkId}. The mac address ${mac} is in use.`,
  );
}

/** Throws `security-group-not-found` for a group that the scope does not see. */
export async function checkGroups(trx: Trx, scope: Scope, ids: readonly Uuid[]): Promise<Uuid[]> {
  const asked = [...new Set(ids)];
  if (asked.length === 0) return [];
  const known = new Set((await findSecurityGroups(trx, scope, { id: asked })).map((group) => group.id));
  const missing = asked.find((id) => !known.has(id));
  if (missing === undefined) return asked;
  throw new Failure('security-group-not-found', `Security group ${missing} does not exist`);
}

export function compilePairs(pairs: readonly AskedPair[], macAddress: string): AddressPair[] {
  if (pairs.length > mostPairs) {
    throw invalidInput(`${pairs.length} allowed_address_pairs are too many, ${mostPairs} are allowed.`);
  }
  const compiled = pairs.map((pair) => ({
    macAddress: pair.macAddress === undefined ? macAddress : canonicalMac(pair.macAddress),
    ipAddress: pair.ipAddress.includes('/')
      ? formatCidr(parseCidr(pair.ipAddress))
      : canonicalAddress(pair.ipAddress),
  }));
  const seen = new Set<string>();
  for (const { macAddress: mac, ipAddress } of compiled) {
    if (seen.has(`${mac} ${ipAddress}`)) {
      throw invalidInput(`allowed_address_pairs has mac_address ${mac} with ip_address ${ipAddress} twice.`);
    }
    seen.add(`${mac} ${ipAddress}`);
  }
  return compiled;
}

/** Groups and pairs are parts of the filter: without port security there is no filter for them. */
export function checkPortSecurity(
  port: Pick<Port, 'portSecurityEnabled' | 'securityGroupIds' | 'allowedAddressPairs'>,
): void {
  if (port.portSecurityEnabled) return;
  const part =
    port.securityGroupIds.length > 0
      ? 'security_groups'
      : port.allowedAddressPairs.length > 0
        ? 'allowed_address_pairs'
        : undefined;
  if (!part) return;
  throw new Failure(
    'conflict',
    `A port with ${part} cannot have port_security_enabled false: clear ${part} too.`,
  );
}

/** Given options are added or replace those of the same name and IP version; the others stay. */
export function mergeDhcpOptions(
  current: readonly DhcpOption[],
  given: readonly AskedDhcpOption[],
): DhcpOption[] {
  const options = new Map(current.map((option) => [`${option.ipVersion} ${option.name}`, option]));
  for (const { name, value, ipVersion = 4 } of given) {
    const key = `${ipVersion} ${name}`;
    if (value === null) options.delete(key);
    else options.set(key, { name, value, ipVersion });
  }
  return [...options.values()];
}
