/**
 * What Docker has of network drivers that are not its own: all networks, and the endpoints on those with a driver or with
 * addresses from an IPAM driver that did not come with Docker. Which of them is whose is not asked: several drivers of
 * ours may serve one Docker.
 */
import type { HeldEndpoint, Holdings } from '../model/holdings.ts';
import type { Engine, EngineNetwork } from './engine.ts';

const dockersDrivers = new Set(['bridge', 'host', 'ipvlan', 'macvlan', 'null', 'overlay']);
const dockersIpam = new Set(['default', 'null']);

/** `besidesIpam`: networks with addresses from this IPAM driver do not count. */
export async function dockerHoldings(
  engine: Pick<Engine, 'listNetworks' | 'listEndpoints'>,
  { besidesIpam }: { readonly besidesIpam: string },
): Promise<Holdings> {
  const networks = await engine.listNetworks();
  const endpoints: HeldEndpoint[] = [];
  for (const { id: networkId, name: network } of networks.filter(isPlugged)) {
    for (const { id, name, macAddress, containerId } of await engine.listEndpoints(networkId)) {
      const remedy = `docker network disconnect --force ${network} ${name}`;
      endpoints.push({ id, macAddress, ...(containerId === undefined ? { remedy } : {}) });
    }
  }
  return { networks: new Set(networks.map(({ id }) => id)), endpoints };

  function isPlugged({ driver, ipamDriver }: EngineNetwork): boolean {
    return ipamDriver !== besidesIpam && !(dockersDrivers.has(driver) && dockersIpam.has(ipamDriver));
  }
}
