/**
 * Which addresses a port gets.
 *
 * Nothing asked for: one per IP version of the network. Asked for by subnet, by address, or by both: exactly
 * those. Subnets whose hosts compute their own address (SLAAC) add theirs in any case, router interfaces excepted.
 * An update keeps the addresses that still fit what is asked. Runs inside the transaction that writes the port.
 */
import { canonicalValue, contains, formatAddress, parseAddress, parseCidr } from '../../ipam/address.ts';
import { chooseAddress, eui64Address, isEui64, type Random } from '../../ipam/allocate.ts';
import { parseRange, usableRange } from '../../ipam/pools.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import type { PortAddress, Subnet } from '../../model/network.ts';
import type { Trx } from '../../store/database.ts';
import { everything } from '../../store/network/common.ts';
import { findPorts } from '../../store/network/ports.ts';
import { findSubnets, usedAddresses } from '../../store/network/subnets.ts';
import { invalidInput } from './collection.ts';
import { isComputed } from './computed-addresses.ts';

export interface AskedAddress {
  readonly subnetId?: Uuid;
  readonly ipAddress?: string;
  /** Instead of the two: any free address of that version. */
  readonly ipVersion?: 4 | 6;
}

export interface AddressAsk {
  readonly portId: Uuid;
  readonly networkId: Uuid;
  readonly macAddress: string;
  /** Undefined = what the network gives by itself. */
  readonly asked: readonly AskedAddress[] | undefined;
  /** What the port has now. */
  readonly current: readonly PortAddress[];
  /** Ports of routers compute no addresses, and may have as many as there are subnets. */
  readonly isRouterPort: boolean;
  /** Subnets may be for some owners' ports only. */
  readonly deviceOwner: string;
}

const mostAddresses = 5;

export async function chooseAddresses(trx: Trx, random: Random, ask: AddressAsk): Promise<PortAddress[]> {
  const subnets = await findSubnets(trx, everything, { network_id: [ask.networkId] });
  const chooser = new Chooser({ trx, random, ask, subnets });
  if (ask.asked === undefined) await chooser.takeOnePerVersion();
  else await chooser.takeAsked(ask.asked);
  if (!ask.isRouterPort) chooser.takeComputed();
  return chooser.taken;
}

class Chooser {
  readonly taken: PortAddress[] = [];
  readonly #trx: Trx;
  readonly #random: Random;
  readonly #ask: AddressAsk;
  readonly #subnets: readonly Subnet[];

  constructor(from: { trx: Trx; random: Random; ask: AddressAsk; subnets: readonly Subnet[] }) {
    this.#trx = from.trx;
    this.#random = from.random;
    this.#ask = from.ask;
    this.#subnets = from.subnets;
  }

  async takeOnePerVersion(): Promise<void> {
    const serving = this.#serving();
    for (const version of [4, 6] as const) {
      const candidates = serving.filter(
        (subnet) => subnet.ipVersion === version && (!isComputed(subnet) || this.#ask.isRouterPort),
      );
      if (candidates.length > 0) await this.#takeFree(candidates);
    }
  }

  /** Subnets for this owner first, then those for everybody. */
  #serving(): readonly Subnet[] {
    const own = this.#subnets.filter(({ serviceTypes }) => serviceTypes.includes(this.#ask.deviceOwner));
    const open = this.#subnets.filter(({ serviceTypes }) => serviceTypes.length === 0);
    if (this.#subnets.length > 0 && own.length + open.length === 0) {
      throw new Failure(
        'no-subnet-for-owner',
        `No valid service subnet for the given device owner, network ${this.#ask.networkId}, ` +
          `service type ${this.#ask.deviceOwner}.`,
      );
    }
    return [...own, ...open];
  }

  async takeAsked(asked: readonly AskedAddress[]): Promise<void> {
    if (asked.length > mostAddresses && !this.#ask.isRouterPort) {
      throw invalidInput(`${asked.length} fixed_ips are too many, ${mostAddresses} are allowed.`);
    }
    for (const one of asked) {
      if (one.ipAddress !== undefined) await this.#takeExactly(one.ipAddress, one.subnetId);
    }
    for (const one of asked) {
      if (one.ipVersion !== undefined) await this.#takeFree(this.#ofVersion(one.ipVersion));
      else if (one.ipAddress === undefined) await this.#takeFrom(one.subnetId);
    }
  }

  takeComputed(): void {
    for (const subnet of this.#subnets.filter(isComputed)) {
      if (this.taken.some(({ subnetId }) => subnetId === subnet.id)) continue;
      const address = eui64Address(parseCidr(subnet.cidr), this.#ask.macAddress);
      this.taken.push({ subnetId: subnet.id, ipAddress: formatAddress(address) });
    }
  }

  async #takeExactly(text: string, subnetId: Uuid | undefined): Promise<void> {
    const address = parseAddress(text);
    const ipAddress = formatAddress(address);
    const holds = (candidate: Subnet) => contains(parseCidr(candidate.cidr), address);
    const subnet = subnetId === undefined ? this.#subnets.find(holds) : this.#subnet(subnetId);
    if (!subnet) {
      throw new Failure(
        'invalid-ip-for-network',
        `IP address ${ipAddress} is not a valid IP for any of the subnets on the specified network.`,
      );
    }
    const usable = usableRange(parseCidr(subnet.cidr));
    const isUsable = holds(subnet) && address.value >= usable.first && address.value <= usable.last;
    const isOwn =
      !isComputed(subnet) ||
      this.#ask.isRouterPort ||
      isEui64(parseCidr(subnet.cidr), this.#ask.macAddress, address);
    if (!isUsable || !isOwn) {
      throw new Failure(
        'invalid-ip-for-subnet',
        `IP address ${ipAddress} is not a valid IP for the specified subnet.`,
      );
    }
    if (this.#has(subnet.id, ipAddress))
      throw invalidInput(`Duplicate IP address ${ipAddress} in fixed_ips.`);
    await this.#refuseTaken(subnet.id, ipAddress);
    this.taken.push({ subnetId: subnet.id, ipAddress });
  }

  async #refuseTaken(subnetId: Uuid, ipAddress: string): Promise<void> {
    const holders = await findPorts(this.#trx, everything, { subnet: [subnetId], address: [ipAddress] });
    if (holders.every((holder) => holder.id === this.#ask.portId)) return;
    throw new Failure('ip-address-in-use', `IP address ${ipAddress} already allocated in subnet ${subnetId}`);
  }

  async #takeFrom(subnetId: Uuid | undefined): Promise<void> {
    if (subnetId === undefined) throw invalidInput('fixed_ips entries need subnet_id or ip_address.');
    const subnet = this.#subnet(subnetId);
    const kept = this.#ask.current.find(
      (own) => own.subnetId === subnetId && !this.#has(subnetId, own.ipAddress),
    );
    if (kept) this.taken.push(kept);
    else if (!isComputed(subnet) || this.#ask.isRouterPort) await this.#takeFree([subnet]);
  }

  async #takeFree(subnets: readonly Subnet[]): Promise<void> {
    for (const subnet of subnets) {
      const used = [
        ...(await usedAddresses(this.#trx, subnet.id)),
        ...this.taken.map((own) => own.ipAddress),
      ];
      const taken = new Set(used.map(canonicalValue));
      const value = chooseAddress(subnet.allocationPools.map(parseRange), taken, this.#random);
      if (value === undefined) continue;
      const ipAddress = formatAddress({ version: subnet.ipVersion, value });
      this.taken.push({ subnetId: subnet.id, ipAddress });
      return;
    }
    throw new Failure(
      'ip-address-exhausted',
      `No more IP addresses available on network ${this.#ask.networkId}.`,
    );
  }

  #ofVersion(version: 4 | 6): Subnet[] {
    return this.#serving().filter((subnet) => subnet.ipVersion === version);
  }

  #subnet(id: Uuid): Subnet {
    const subnet = this.#subnets.find((candidate) => candidate.id === id);
    if (subnet) return subnet;
    throw invalidInput(`Subnet ${id} of fixed_ips is not on network ${this.#ask.networkId}.`);
  }

  #has(subnetId: Uuid, ipAddress: string): boolean {
    return this.taken.some((own) => own.subnetId === subnetId && own.ipAddress === ipAddress);
  }
}
