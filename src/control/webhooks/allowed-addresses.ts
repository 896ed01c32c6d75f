/**
 * Which addresses a delivery may go to: the public ones, and those that the operator allows (`webhooks.allowedAddresses`).
 *
 * Tenants choose where we connect to, and we stand inside: what only we can reach must not be reached through us. So this machine's own
 * addresses are refused, too, the public ones: no firewall stands between us and them. Blocks are
 * those of the IANA registries of special-purpose addresses (RFC 6890); of IPv6 everything is refused that is not global unicast.
 */
import { networkInterfaces } from 'node:os';
import {
  type Address,
  addressBits,
  blockOf,
  type Cidr,
  contains,
  findAddress,
  findCidr,
  parseCidr,
} from '../../ipam/address.ts';
import { Failure } from '../../model/failure.ts';

const refused4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8',
  '100.64.0.0/10', // carriers' own
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local: clouds' metadata
  '172.16.0.0/12',
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16',
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
].map(parseCidr);

const global6 = parseCidr('2000::/3');
const refused6 = [
  '2001::/23', // protocol assignments: Teredo, ORCHID
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4
  '3fff::/20', // documentation
].map(parseCidr);

/** IPv6 blocks whose last 32 bits are the IPv4 address that is really reached. */
const embedding = ['::ffff:0:0/96', '64:ff9b::/96'].map(parseCidr);

/** Throws `invalid-value` naming the setting. */
export function parseAllowed(texts: readonly string[]): Cidr[] {
  return texts.map((text) => {
    const cidr = findCidr(text);
    if (!cidr)
      throw new Failure(
        'invalid-value',
        `setting webhooks.allowedAddresses: '${text}': expected <address>/<length>`,
      );
    return cidr;
  });
}

/** What this machine has just now. */
export function ownAddresses(): Cidr[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .flatMap((each) => {
      const address = findAddress(each.address);
      return address ? [blockOf(address, addressBits[address.version])] : [];
    });
}

/** False for what is no address, too. `own` = of this machine. */
export function isAllowed(text: string, allowed: readonly Cidr[], own: readonly Cidr[]): boolean {
  const address = findAddress(text);
  return address !== undefined && isAllowedAddress(address, allowed, own);
}

function isAllowedAddress(address: Address, allowed: readonly Cidr[], own: readonly Cidr[]): boolean {
  const isIn = (blocks: readonly Cidr[]) => blocks.some((cidr) => contains(cidr, address));
  if (isIn(allowed)) return true;
  if (isIn(own)) return false;
  if (address.version === 4) return !isIn(refused4);
  if (isIn(embedding))
    return isAllowedAddress({ version: 4, value: address.value & 0xffffffffn }, allowed, own);
  return contains(global6, address) && !isIn(refused6);
}
