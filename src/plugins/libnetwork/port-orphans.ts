/**
 * Ports that Docker did not release: those of endpoints that it does not know, those held for an address that no endpoint
 * has, and, on adopted networks, those that keep an auxiliary address of a network that is gone.
 *
 * Docker forgets an endpoint when a release fails, and one that was made while it died; its link may still be plugged.
 */
import type { Holdings } from '../../model/holdings.ts';
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
  const { service } = backend;

  return {
    kind: 'port',
    find: async () => {
      // First what is there, then what Docker has: what is made in between is Docker's already.
      const used = await service.list('ports', { device_owner: kuryrPortOwner });
      const adopted = await service.list('ports', { tags: adoptedPortTag });
      if (used.length + adopted.length === 0) return [];
      const isOrphan = orphanhood(await backend.holdings());
      // Adopted for an endpoint that was never made: on whichever host, the grace period is over.
      const found = adopted.filter((port) => !port.device_owner && !port.device_id && isOrphan(port));
      for (const port of used) if (isOrphan(port) && (await backend.isHere(port))) found.push(port);
      return found.map(keyOf);
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

function orphanhood({ networks, endpoints }: Holdings): (port: PortView) => boolean {
  const ids = new Set([...networks, ...endpoints.map(({ id }) => id)]);
  const macs = new Set(endpoints.map(({ macAddress }) => macAddress));
  return (port) =>
    port.device_id ? !ids.has(port.device_id) : isReservedPort(port) && !macs.has(port.mac_address);
}

function keyOf({ id, device_id }: PortView): string {
  return device_id ? `${id} ${device_id}` : id;
}
