/** Which external addresses lead to which port: `172.24.4.9` for all of it, `172.24.4.9:8080->80/tcp` for a forwarded port. */
import type { FloatingIpObject, NetworkApi, PortForwardingObject } from '../client/networks.ts';
import { isFailure } from '../model/failure.ts';

/** By port; empty where the cloud has none to offer. */
export async function floatingByPort(networks: NetworkApi): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const note = (port: string, text: string) => found.set(port, [...(found.get(port) ?? []), text]);
  const all = await floatingIps(networks);
  for (const { port_id: port, floating_ip_address: address } of all) if (port) note(port, address);
  const shared = all.filter(({ port_forwardings: forwardings }) => forwardings?.length);
  await Promise.all(
    shared.map(async (item) => {
      for (const one of await networks.forwardings(item)) {
        note(one.internal_port_id, forwardingText(item.floating_ip_address, one));
      }
    }),
  );
  return found;
}

export function forwardingText(address: string, forwarding: PortForwardingObject): string {
  const { external_port_range: outer, internal_port_range: inner, protocol } = forwarding;
  const [outside, inside] = [forwarding.external_port ?? outer, forwarding.internal_port ?? inner];
  return `${address}:${outside}->${inside}/${protocol}`;
}

async function floatingIps(networks: NetworkApi): Promise<FloatingIpObject[]> {
  try {
    return await networks.list<FloatingIpObject>('floatingips');
  } catch (error) {
    // A network service without routers has no such resource; that is not this command's trouble.
    if (isFailure(error) && [403, 404, 501].includes(error.status)) return [];
    throw error;
  }
}
