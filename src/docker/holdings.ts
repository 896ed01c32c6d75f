/**
 * What Docker has of a network driver: all networks, and the endpoints on those of the driver or with addresses from its
 * IPAM driver of the same name.
 */
import type { HeldEndpoint, Holdings } from '../model/holdings.ts';
import type { Engine } from './engine.ts';

interface Meant {
  readonly driver: string;
  /** Networks with addresses from this IPAM driver do not count. */
  readonly besidesIpam: string;
}

export async function dockerHoldings(
  engine: Pick<Engine, 'listNetworks' | 'listEndpoints'>,
  { driver, besidesIpam }: Meant,
): Promise<Holdings> {
  const networks = await engine.listNetworks();
  const endpoints: HeldEndpoint[] = [];
  for (const { id: networkId, name: network, driver: its, ipamDriver } of networks) {
    if ((its !== driver && ipamDriver !== driver) || ipamDriver === besidesIpam) continue;
    for (const { id, name, macAddress, containerId } of await engine.listEndpoints(networkId)) {
      const remedy = `docker network disconnect --force ${network} ${name}`;
      endpoints.push({ id, macAddress, ...(containerId === undefined ? { remedy } : {}) });
    }
  }
  return { networks: new Set(networks.map(({ id }) => id)), endpoints };
}
