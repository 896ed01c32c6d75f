/** An IPAM driver of another maker, behind Docker's plugin protocol. */
import { findCidr } from '../../../ipam/address.ts';
import { Failure } from '../../../model/failure.ts';
import type { AskedAddress, AskedPool, GivenPool, Ipam } from '../../ipam.ts';
import type { PluginClient } from './client.ts';

const gatewayKey = 'com.docker.network.gateway';
const typeKey = 'RequestAddressType';
const macKey = 'com.docker.network.endpoint.macaddress';

interface Spaces {
  readonly local: string;
  readonly global: string;
}

export class RemoteIpam implements Ipam {
  readonly name: string;
  readonly #plugin: PluginClient;
  #spaces: Promise<Spaces> | undefined;

  constructor(plugin: PluginClient) {
    this.name = plugin.name;
    this.#plugin = plugin;
  }

  /** A plugin that does not know the call has none of them. */
  async capabilities() {
    const answer: Record<string, unknown> = await this.#plugin
      .call('IpamDriver.GetCapabilities')
      .catch(() => ({}));
    return {
      needsMacAddress: answer.RequiresMACAddress === true,
      needsReplay: answer.RequiresRequestReplay === true,
    };
  }

  async requestPool({ version, scope, cidr, subPool, options }: AskedPool): Promise<GivenPool> {
    const spaces = await this.#addressSpaces();
    const answer = await this.#plugin.call('IpamDriver.RequestPool', {
      AddressSpace: spaces[scope],
      Pool: cidr,
      SubPool: subPool,
      Options: options,
      V6: version === 6,
    });
    const [id, pool] = [String(answer.PoolID ?? ''), String(answer.Pool ?? '')];
    const gateway = (answer.Data as Record<string, unknown> | null | undefined)?.[gatewayKey];
    if (id !== '' && findCidr(pool))
      return {
        id,
        cidr: pool,
        addressSpace: spaces[scope],
        ...(typeof gateway === 'string' ? { gateway } : {}),
      };
    throw new Failure(
      'driver-refused',
      `plugin ${this.name}: pool ${JSON.stringify(pool)} with id ${JSON.stringify(id)} cannot be used`,
    );
  }

  async releasePool(poolId: string): Promise<void> {
    await this.#plugin.call('IpamDriver.ReleasePool', { PoolID: poolId });
  }

  async requestAddress({ poolId, address, purpose, macAddress, options }: AskedAddress): Promise<string> {
    const answer = await this.#plugin.call('IpamDriver.RequestAddress', {
      PoolID: poolId,
      Address: address,
      Options: {
        ...options,
        ...(purpose === 'gateway' ? { [typeKey]: gatewayKey } : {}),
        ...(macAddress === undefined ? {} : { [macKey]: macAddress }),
      },
    });
    const given = String(answer.Address ?? '');
    if (findCidr(given)) return given;
    throw new Failure(
      'driver-refused',
      `plugin ${this.name}: ${given === '' ? 'No address returned' : `address ${given} has no prefix length`}`,
    );
  }

  async releaseAddress(poolId: string, address: string): Promise<void> {
    await this.#plugin.call('IpamDriver.ReleaseAddress', { PoolID: poolId, Address: address.split('/')[0] });
  }

  #addressSpaces(): Promise<Spaces> {
    this.#spaces ??= this.#plugin
      .call('IpamDriver.GetDefaultAddressSpaces')
      .then((answer) => ({
        local: String(answer.LocalDefaultAddressSpace ?? ''),
        global: String(answer.GlobalDefaultAddressSpace ?? ''),
      }))
      .catch((error: unknown) => {
        this.#spaces = undefined;
        throw error;
      });
    return this.#spaces;
  }
}
