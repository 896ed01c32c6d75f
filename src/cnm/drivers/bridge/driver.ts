/**
 * The bridge driver: a Linux bridge with the gateway's addresses in this process's namespace, a veth pair per endpoint,
 * source NAT to the outside and published ports. What packets may do is in ./plan.
 */
import { admitScript, expelScript, readHostFirewalls } from '../../../host/forward-chain.ts';
import { HostPorts } from '../../../host/host-ports.ts';
import type { Kernel, KernelStep } from '../../../host/kernel.ts';
import type { CnmBinding, CnmEndpoint, CnmNetwork } from '../../../model/cnm.ts';
import { Failure } from '../../../model/failure.ts';
import type { CnmView, Driver } from '../../driver.ts';
import { aliasOf, chosenMac, gatewayOf, refuseNullPool } from '../endpoint.ts';
import { addressOf, booleanOf, label, prefixOf } from '../labels.ts';
import {
  bridgeName,
  endNames,
  endpointSteps,
  networkSteps,
  rulesScript,
  withoutRulesScript,
} from './plan.ts';

export class BridgeDriver implements Driver {
  readonly type = 'bridge';
  readonly #kernel: Kernel;
  readonly #records: CnmView;
  readonly #ports: HostPorts;

  constructor(kernel: Kernel, records: CnmView) {
    this.#kernel = kernel;
    this.#records = records;
    this.#ports = new HostPorts(() => records.endpoints().flatMap(({ bindings }) => bindings));
  }

  async capabilities() {
    return { scope: 'local', hasAddresses: true, isSingle: false } as const;
  }

  async createNetwork(network: CnmNetwork): Promise<void> {
    refuseNullPool(network);
    const name = bridgeName(network);
    // What is only read when an endpoint comes is checked now, too.
    prefixOf(network.options);
    booleanOf(network.options, label.icc, true);
    addressOf(network.options, label.hostBindingIpv4);
    const isTaken = this.#records
      .networks()
      .some((other) => other.id !== network.id && other.driver === this.type && bridgeName(other) === name);
    if (isTaken)
      throw new Failure('driver-forbids', `bridge name ${name} is used by another network already`);
    await this.#kernel.apply([
      ...networkSteps(network),
      ...(await this.#forwardingSteps(network)),
      this.#rules(network),
      ...(await this.#admission(network)),
    ]);
  }

  async restoreNetwork(network: CnmNetwork): Promise<void> {
    await this.createNetwork(network);
  }

  /** A bridge that was there before is left. */
  async deleteNetwork(network: CnmNetwork): Promise<void> {
    const name = bridgeName(network);
    const link = (await this.#kernel.links()).find((one) => one.name === name);
    const isOurs = link?.alias === aliasOf('network', network.id);
    const firewalls = await readHostFirewalls(this.#kernel);
    const expel = firewalls.map((one) => expelScript(markOf(network), one)).join('');
    await this.#kernel.apply([
      { do: 'nft', script: `${expel}${withoutRulesScript(network)}` },
      ...(isOurs ? [{ do: 'delete-link', name } as const] : []),
    ]);
  }

  async createEndpoint(network: CnmNetwork, endpoint: CnmEndpoint) {
    const chosen = chosenMac(endpoint);
    await this.#kernel.apply(endpointSteps(network, { ...endpoint, ...chosen }));
    return chosen;
  }

  async deleteEndpoint(_network: CnmNetwork, endpoint: CnmEndpoint): Promise<void> {
    await this.#kernel.apply([{ do: 'delete-link', name: endNames(endpoint).outer }]);
  }

  async join(network: CnmNetwork, endpoint: CnmEndpoint) {
    // Also after a restart of the machine, which took the pair.
    await this.#kernel.apply(endpointSteps(network, endpoint));
    return {
      link: { name: endNames(endpoint).inner, prefix: prefixOf(network.options) },
      gateway: gatewayOf(network, endpoint, 4),
      gateway6: gatewayOf(network, endpoint, 6),
      routes: [],
    };
  }

  async leave(): Promise<void> {
    // The pair stays until the endpoint is deleted.
  }

  async program(network: CnmNetwork, endpoint: CnmEndpoint): Promise<readonly CnmBinding[]> {
    if (endpoint.publish.length === 0) return [];
    const ipv4 = addressOf(network.options, label.hostBindingIpv4) ?? '0.0.0.0';
    const addresses = [
      ...(endpoint.address === null ? [] : [ipv4]),
      ...(endpoint.address6 === null ? [] : ['::']),
    ];
    const bindings = await this.#ports.bind(endpoint.publish, addresses);
    await this.#kernel.apply([this.#rules(network, { ...endpoint, bindings })]);
    return bindings;
  }

  async revoke(network: CnmNetwork, endpoint: CnmEndpoint): Promise<void> {
    if (endpoint.bindings.length === 0) return;
    await this.#kernel.apply([this.#rules(network, { ...endpoint, bindings: [] })]);
  }

  /** With the endpoint as given instead of as recorded. */
  #rules(network: CnmNetwork, changed?: CnmEndpoint): KernelStep {
    const recorded = this.#records
      .endpoints()
      .filter(({ networkId, id }) => networkId === network.id && id !== changed?.id);
    return { do: 'nft', script: rulesScript(network, changed ? [...recorded, changed] : recorded) };
  }

  /** Past a FORWARD chain that drops by default; with br_netfilter that concerns neighbours, too. */
  async #admission(network: CnmNetwork): Promise<KernelStep[]> {
    const admission = { link: bridgeName(network), mark: markOf(network) };
    const firewalls = await readHostFirewalls(this.#kernel);
    const script = firewalls.map((one) => admitScript(admission, one)).join('');
    return script === '' ? [] : [{ do: 'nft', script }];
  }

  async #forwardingSteps({ internal, pools }: CnmNetwork): Promise<KernelStep[]> {
    if (internal) return [];
    const keys = [
      'net/ipv4/ip_forward',
      ...(pools.some(({ version }) => version === 6) ? ['net/ipv6/conf/all/forwarding'] : []),
    ];
    const values = await Promise.all(keys.map((key) => this.#kernel.readSysctl(key)));
    return keys.flatMap((key, index) =>
      values[index]?.trim() === '1' ? [] : [{ do: 'sysctl', key, value: '1' } as const],
    );
  }
}

/** Of the rules in a FORWARD chain of somebody else's. */
function markOf({ id }: CnmNetwork): string {
  return `berth cnm ${id.slice(0, 12)}`;
}
