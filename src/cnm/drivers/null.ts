/** The drivers without interfaces: `null` leaves a sandbox its loopback, `host` is the host's own namespace. */
import type { Driver } from '../driver.ts';

const nothing = async () => undefined;

function without(type: string): Driver {
  return {
    type,
    capabilities: async () => ({ scope: 'local', hasAddresses: false, isSingle: true }),
    createNetwork: nothing,
    restoreNetwork: nothing,
    deleteNetwork: nothing,
    createEndpoint: async () => ({}),
    deleteEndpoint: nothing,
    join: async () => ({ link: null, gateway: null, gateway6: null, routes: [] }),
    leave: nothing,
    program: async () => [],
    revoke: nothing,
  };
}

export const nullDriver: Driver = without('null');
export const hostDriver: Driver = without('host');
