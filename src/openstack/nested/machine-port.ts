/** Which port of Neutron this machine's interface is: the one with its MAC address. */
import type { Kernel } from '../../host/kernel.ts';
import { Failure } from '../../model/failure.ts';
import type { NetworkService } from '../../wire/network-service.ts';
import type { MachinePort } from './attachment.ts';

/** Throws `port-not-found`, `conflict` when several networks have a port with the address. */
export async function findMachinePort(
  service: Pick<NetworkService, 'list'>,
  kernel: Pick<Kernel, 'links'>,
  link: string,
): Promise<MachinePort> {
  const links = await kernel.links();
  const own = links.find(({ name }) => name === link);
  if (!own) {
    const names = links.map(({ name }) => name).filter((name) => name !== 'lo');
    throw new Failure(
      'port-not-found',
      `this machine has no interface ${link}: --link is one of ${names.join(', ')}`,
    );
  }
  const [port, ...others] = await service.list('ports', { mac_address: own.mac });
  if (!port) {
    throw new Failure(
      'port-not-found',
      `no port of Neutron has the MAC address ${own.mac} of interface ${link}: is this a virtual machine of this cloud?`,
    );
  }
  if (others.length > 0) {
    const ids = [port, ...others].map(({ id }) => id).join(', ');
    throw new Failure(
      'conflict',
      `several ports have the MAC address ${own.mac} of interface ${link}: ${ids}`,
    );
  }
  return { id: port.id, networkId: port.network_id, link };
}
