/**
 * Subnets whose hosts compute their own address (SLAAC): every port of the network has one there, also those that were
 * there before the subnet, and loses it with the subnet. Routers choose theirs.
 */
import { formatAddress, parseCidr } from '../../ipam/address.ts';
import { eui64Address } from '../../ipam/allocate.ts';
import { infrastructureOwnerPrefix, type Port, type Subnet } from '../../model/network.ts';
import { everything } from '../../store/network/common.ts';
import { findPorts, updatePort } from '../../store/network/ports.ts';
import { revised } from './collection.ts';
import type { Change } from './context.ts';

/** Hosts compute their address in this subnet. */
export function isComputed({ ipv6AddressMode }: Subnet): boolean {
  return ipv6AddressMode === 'slaac' || ipv6AddressMode === 'dhcpv6-stateless';
}

/** A new subnet: the network's ports get their addresses in it. */
export async function giveComputedAddresses(current: Change, subnet: Subnet): Promise<void> {
  if (!isComputed(subnet)) return;
  const ports = await findPorts(current.trx, everything, { network_id: [subnet.networkId] });
  for (const port of ports.filter(computes)) {
    const address = eui64Address(parseCidr(subnet.cidr), port.macAddress);
    const added = { subnetId: subnet.id, ipAddress: formatAddress(address) };
    await readdress(current, port, [...port.fixedIps, added]);
  }
}

/** A subnet goes: what ports computed in it goes before. Addresses of routers stay, and keep the subnet. */
export async function takeComputedAddresses(current: Change, subnet: Subnet): Promise<void> {
  if (!isComputed(subnet)) return;
  const ports = await findPorts(current.trx, everything, { subnet: [subnet.id] });
  for (const port of ports.filter(computes)) {
    await readdress(
      current,
      port,
      port.fixedIps.filter(({ subnetId }) => subnetId !== subnet.id),
    );
  }
}

function computes({ deviceOwner }: Port): boolean {
  return !deviceOwner.startsWith(infrastructureOwnerPrefix);
}

async function readdress(
  { trx, now, concerned }: Change,
  port: Port,
  fixedIps: Port['fixedIps'],
): Promise<void> {
  await updatePort(trx, revised(port, { fixedIps }, now));
  await concerned.port(port);
  await concerned.members(port.securityGroupIds);
  if (port.dnsName) await concerned.networks([port.networkId]);
}
