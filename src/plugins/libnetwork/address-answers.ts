/** Answers about addresses that need no port. Pure. */
import { Failure } from '../../model/failure.ts';
import type { HostSubnet } from './backend.ts';
import { withPrefix } from './cidr.ts';
import { noIpv4 } from './pools.ts';

/** What dockerd is told when it asks for the gateway's address. */
export function gatewayOf(subnet: HostSubnet, asked: string): string {
  const { gatewayIp } = subnet;
  if (asked && asked !== gatewayIp) {
    throw new Failure(
      'gateway-conflict',
      `Requested gateway ${asked} does not match with gateway ${gatewayIp ?? 'none'} in existed network.`,
    );
  }
  if (gatewayIp) return withPrefix(gatewayIp, subnet.cidr);
  // dockerd insists on an address; this one means that there is no gateway.
  return subnet.ipVersion === 4 ? '0.0.0.0/0' : '::/0';
}

/** The same of a network without IPv4, and of its containers' addresses. */
export function withoutIpv4(address: string, isGateway: boolean): string {
  if (isGateway) return noIpv4.cidr;
  if (!address) return noIpv4.address;
  throw new Failure('invalid-ip-for-network', `${address}: this network has no IPv4 subnet`);
}
