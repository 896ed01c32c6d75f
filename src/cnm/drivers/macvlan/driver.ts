/**
 * The macvlan driver: every endpoint is a card of its own on the wire of a link of the host.
 *
 * The parent is a link of the host, a VLAN of one (`eth0.10`, made when it is not there), or a link that leads nowhere. One
 * network per parent: nobody else could tell their packets apart. Nothing is translated and no port is published.
 */
import { type Kernel, type KernelStep, type MacvlanMode, macvlanModes } from '../../../host/kernel.ts';
import type { CnmEndpoint, CnmNetwork } from '../../../model/cnm.ts';
import { Failure } from '../../../model/failure.ts';
import type { CnmView, Driver } from '../../driver.ts';
import { aliasOf, chosenMac, gatewayOf, refuseNullPool } from '../endpoint.ts';
import { label, linkNameOf, mtuOf, prefixOf, wrong } from '../labels.ts';

export class MacvlanDriver implements Driver {
  readonly type = 'macvlan';
  readonly #kernel: Kernel;
  readonly #records: CnmView;

  constructor(kernel: Kernel, records: CnmView) {
    this.#kernel = kernel;
    this.#records = records;
  }

  async capabilities() {
    return { scope: 'local', hasAddresses: true, isSingle: false } as const;
  }

  async createNetwork(network: CnmNetwork): Promise<void> {
    refuseNullPool(network);
    const parent = parentOf(network);
    modeOf(network);
    mtuOf(network.options);
    prefixOf(network.options);
    const other = this.#records
      .networks()
      .find(
        ({ id, driver, ...each }) =>
          id !== network.id && driver === this.type && parentOf({ ...each, id }) === parent,
      );
    if (other) {
      throw new Failure(
        'driver-forbids',
        `network ${other.name} is already using parent interface ${parent}`,
      );
    }
    await this.#kernel.apply(await this.#parentSteps(network, parent));
  }

  async restoreNetwork(network: CnmNetwork): Promise<void> {
    await this.createNetwork(network);
  }

  /** A parent that was there before is left. */
  async deleteNetwork(network: CnmNetwork): Promise<void> {
    const name = parentOf(network);
    const link = (await this.#kernel.links()).find((one) => one.name === name);
    if (link?.alias === aliasOf('network', network.id))
      await this.#kernel.apply([{ do: 'delete-link', name }]);
  }

  async createEndpoint(_network: CnmNetwork, endpoint: CnmEndpoint) {
    return chosenMac(endpoint);
  }

  async deleteEndpoint(network: CnmNetwork, endpoint: CnmEndpoint): Promise<void> {
    await this.leave(network, endpoint);
  }

  async join(network: CnmNetwork, endpoint: CnmEndpoint) {
    const name = cardName(endpoint);
    const mtu = mtuOf(network.options);
    await this.#kernel.apply([
      {
        do: 'ensure-macvlan',
        name,
        parent: parentOf(network),
        mode: modeOf(network),
        alias: aliasOf('endpoint', endpoint.id),
        ...(mtu === undefined ? {} : { mtu }),
        ...(endpoint.macAddress === null ? {} : { mac: endpoint.macAddress }),
      },
    ]);
    const outside = { ...network, internal: network.internal || !network.options[label.parent] };
    return {
      link: { name, prefix: prefixOf(network.options) },
      gateway: gatewayOf(outside, endpoint, 4),
      gateway6: gatewayOf(outside, endpoint, 6),
      routes: [],
    };
  }

  async leave(_network: CnmNetwork, endpoint: CnmEndpoint): Promise<void> {
    await this.#kernel.apply([{ do: 'delete-link', name: cardName(endpoint) }]);
  }

  /** Its addresses are those of the wire: nothing has to be published. */
  async program() {
    return [];
  }

  async revoke(): Promise<void> {
    // Nothing was published.
  }

  async #parentSteps(network: CnmNetwork, parent: string): Promise<KernelStep[]> {
    const alias = aliasOf('network', network.id);
    if (!network.options[label.parent]) return [{ do: 'ensure-dummy', name: parent, alias }];
    const links = await this.#kernel.links();
    if (links.some(({ name }) => name === parent)) return [];
    const [, below = '', id = ''] = /^(.+)\.(\d{1,4})$/.exec(parent) ?? [];
    if (!links.some(({ name }) => name === below)) {
      throw wrong(
        label.parent,
        parent,
        'there is no such link on this host, nor one that it could be a VLAN of',
      );
    }
    if (Number(id) < 1 || Number(id) > 4094)
      throw wrong(label.parent, parent, 'a VLAN is numbered from 1 to 4094');
    return [
      { do: 'ensure-vlan', name: parent, parent: below, id: Number(id), alias },
      { do: 'set-link', name: parent, up: true },
    ];
  }
}

function parentOf({ id, options }: Pick<CnmNetwork, 'id' | 'options'>): string {
  const parent = linkNameOf(options, label.parent, `dm-${id.slice(0, 12)}`);
  if (parent !== 'lo') return parent;
  throw wrong(label.parent, parent, 'the loopback cannot be a parent');
}

function modeOf({ options }: CnmNetwork): MacvlanMode {
  const text = options[label.macvlanMode] || 'bridge';
  const mode = macvlanModes.find((one) => one === text);
  if (mode) return mode;
  throw wrong(label.macvlanMode, text, `expected one of ${macvlanModes.join(', ')}`);
}

function cardName({ id }: CnmEndpoint): string {
  return `cm${id.slice(0, 12)}`;
}
