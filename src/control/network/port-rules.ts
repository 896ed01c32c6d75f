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

/** Throws for a group that the scope does not see, and when some keep state and others do not. */
export async function checkGroups(trx: Trx, scope: Scope, ids: readonly Uuid[]): Promise<Uuid[]> {
  const asked = [...new Set(ids)];
  if (asked.length === 0) return [];
  const groups = await findSecurityGroups(trx, scope, { id: asked });
  const missing = asked.find((id) => !groups.some((group) => group.id === id));
  if (missing !== undefined) {
    throw new Failure('security-group-not-found', `Security group ${missing} does not exist`);
  }
  if (new Set(groups.map(({ stateful }) => stateful)).size > 1) {
    throw new Failure(
      'security-group-conflict',
      'Error Cannot apply both stateful and stateless security groups on the same port at the same time while ' +
        'attempting the operation.',
    );
  }
  return asked;
}

export function compilePairs(pairs: readonly AskedPair[], macAddress: string): AddressPair[] {
  if (pairs.length > mostPairs) {
    throw new Failure(
      'too-many-address-pairs',
      `The number of allowed address pair exceeds the maximum ${mostPairs}.`,
    );
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
      throw new Failure(
        'duplicate-address-pair',
        `Request contains duplicate address pair: mac_address ${mac} ip_address ${ipAddress}.`,
      );
    }
    seen.add(`${mac} ${ipAddress}`);
  }
  return compiled;
}

type Filtered = Pick<Port, 'portSecurityEnabled' | 'securityGroupIds' | 'allowedAddressPairs'>;

/**
 * Groups and pairs are parts of the filter: without port security there is no filter for them. `asksForGroups`: the
 * request names the groups itself.
 */
export function checkPortSecurity(port: Filtered, asksForGroups: boolean): void {
  if (port.portSecurityEnabled) return;
  if (port.securityGroupIds.length > 0 && asksForGroups) {
    throw new Failure(
      'port-security-required',
      'Port security must be enabled and port must have an IP address in order to use security groups.',
    );
  }
  if (port.securityGroupIds.length > 0) {
    throw new Failure(
      'port-has-security-groups',
      'Port has security group associated. Cannot disable port security or IP address until security group is removed.',
    );
  }
  if (port.allowedAddressPairs.length > 0) {
    throw new Failure(
      'port-has-address-pairs',
      'Port Security must be enabled in order to have allowed address pairs on a port.',
    );
  }
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
