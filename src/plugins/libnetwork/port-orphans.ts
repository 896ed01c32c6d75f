/**
 * Ports that Docker did not release: those of endpoints that it does not know, those held for an address that no endpoint
 * has, and, on adopted networks, those that keep an auxiliary address of a network that is gone.
 *
 * Docker forgets an endpoint when a release fails, and one that was made while it died; its link may still be plugged.
 */
import { kuryrPortOwner } from '../../model/network.ts';
import type { PortView } from '../../wire/network-service.ts';
import type { Addresses } from './addresses.ts';
import type { KuryrBackend } from './backend.ts';
import type { Endpoints } from './endpoints.ts';
import { adoptedPortTag, isReservedPort } from './names.ts';
import type { Shelter } from './orphans.ts';

interface Rooms {
  readonly backend: KuryrBackend;
  readonly addresses: Addresses;
  readonly endpoints: Endpoints;
}

export function portOrphans({ backend, addresses, endpoints }: Rooms): Shelter {
  const { service, host } = backend;

  /** First what is there, then what Docker has: what is made in between is Docker's already. */
  const ports = async (): Promise<PortView[]> => {
    const used = await service.list('ports', { device_owner: kuryrPortOwner });
    const adopted = await service.list('ports', { tags: adoptedPortTag });
    return [
      ...used.filter((port) => port['binding:host_id'] === host),
      // Adopted for an endpoint that was never made: on whichever host, the grace period is over.
      ...adopted.filter(({ device_owner, device_id }) => device_owner === '' && device_id === ''),
    ];
  };

  return {
    kind: 'port',
    find: async () => {
      const all = await ports();
      if (all.length === 0) return [];
      const held = await backend.holdings();
      const ids = new Set([...held.networks, ...held.endpoints.map(({ id }) => id)]);
      const macs = new Set(held.endpoints.map(({ macAddress }) => macAddress));
      const isOrphan = (port: PortView) =>
        port.device_id ? !ids.has(port.device_id) : isReservedPort(port) && !macs.has(port.mac_address);
      return all.filter(isOrphan).map(keyOf);
    },
    free: async (key) => {
      const [id = ''] = key.split(' ');
      for (const port of await service.list('ports', { id })) {
        // In use for another endpoint meanwhile.
        if (keyOf(port) !== key) continue;
        if (port.device_id) await endpoints.clear(port.device_id, id);
        await addresses.free(port);
      }
    },
  };
}

function keyOf({ id, device_id }: PortView): string {
  return device_id ? `${id} ${device_id}` : id;
}
