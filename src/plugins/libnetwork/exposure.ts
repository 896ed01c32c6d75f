/**
 * Exposed and published ports: a security group of the port's own lets them in from anywhere, and, where the network is
 * made so, a floating IP leads to the published ones.
 *
 * The group is found by its name, the floating IP by its description: both carry the port's id.
 */
import type { Log } from '../../base/log.ts';
import { type Undo, undoable } from '../../base/undo.ts';
import type { FloatingIpView, NetworkService, PortView } from '../../wire/network-service.ts';
import { addOwnGroup, removeOwnGroup } from '../own-group.ts';
import { openingsOf, type Published, publishedOf } from './exposed-ports.ts';
import type { NetworkSettings } from './network-settings.ts';
import type { Shelter } from './orphans.ts';

const groupSuffix = '-exposed_ports';
const groupDescription = 'Docker exposed ports created by Kuryr.';
const floatingPrefix = 'Docker published ports of ';

export interface ExposureAsk {
  readonly portId: string;
  readonly settings: NetworkSettings;
  /** The sandbox's, as dockerd sends them. */
  readonly labels: unknown;
}

export class Exposure {
  readonly #service: NetworkService;
  readonly #log: Log;
  /** Ports that certainly have nothing of this. */
  readonly #closed = new Set<string>();

  constructor(service: NetworkService, log: Log) {
    this.#service = service;
    this.#log = log;
  }

  async open({ portId, settings, labels }: ExposureAsk): Promise<void> {
    const openings = settings.publish === 'none' ? [] : openingsOf(labels);
    await this.close(portId);
    if (openings.length === 0) return;
    this.#closed.delete(portId);
    await undoable(this.#log, async (undo) => {
      const port = await this.#service.get('ports', portId);
      const group = { name: `${portId}${groupSuffix}`, description: groupDescription, openings };
      await addOwnGroup(this.#service, port, group, undo);
      if (typeof settings.publish !== 'object') return;
      await this.#publish(port, publishedOf(labels), { ...settings.publish, undo });
    });
  }

  /** Idempotent. */
  async close(portId: string): Promise<void> {
    if (this.#closed.has(portId)) return;
    const groups = await this.#service.list('security-groups', { name: `${portId}${groupSuffix}` });
    const floating = await this.#service.list('floatingips', { description: `${floatingPrefix}${portId}` });
    for (const { id } of floating) await this.#removeFloating(id);
    for (const { id } of groups) await removeOwnGroup(this.#service, portId, id);
    this.#closed.add(portId);
  }

  /** The port is gone, and its id never comes again. */
  forget(portId: string): void {
    this.#closed.delete(portId);
  }

  /** Of ports that are gone. */
  orphans(): Shelter[] {
    return [
      {
        kind: 'floating IP',
        find: async () => this.#lost(await this.#service.list('floatingips', {}), portOfFloating),
        free: (id) => this.#removeFloating(id),
      },
      {
        kind: 'security group',
        find: async () => {
          const groups = await this.#service.list('security-groups', { description: groupDescription });
          return this.#lost(groups, ({ name }) => name.slice(0, -groupSuffix.length));
        },
        free: (id) => this.#service.remove('security-groups', id),
      },
    ];
  }

  async #publish(
    { id, fixed_ips }: PortView,
    published: readonly Published[],
    { externalNetworkId, undo }: { externalNetworkId: string; undo: Undo },
  ): Promise<void> {
    const address = fixed_ips.find(({ ip_address }) => !ip_address.includes(':'))?.ip_address;
    if (published.length === 0 || address === undefined) return;
    const { id: floatingIpId } = await this.#service.create('floatingips', {
      floating_network_id: externalNetworkId,
      description: `${floatingPrefix}${id}`,
    });
    undo.add(`remove floating IP ${floatingIpId}`, () => this.#removeFloating(floatingIpId));
    for (const { protocol, port, externalPort } of published) {
      await this.#service.forward(floatingIpId, {
        protocol,
        internal_port_id: id,
        internal_ip_address: address,
        internal_port: port,
        external_port: externalPort,
      });
    }
  }

  async #removeFloating(id: string): Promise<void> {
    await this.#service.unforward(id);
    await this.#service.remove('floatingips', id);
  }

  async #lost<View extends { readonly id: string }>(
    views: readonly View[],
    portOf: (view: View) => string | undefined,
  ): Promise<string[]> {
    const lost: string[] = [];
    for (const view of views) {
      const portId = portOf(view);
      if (portId === undefined) continue;
      if ((await this.#service.list('ports', { id: portId })).length === 0) lost.push(view.id);
    }
    return lost;
  }
}

function portOfFloating({ description }: FloatingIpView): string | undefined {
  return description?.startsWith(floatingPrefix) ? description.slice(floatingPrefix.length) : undefined;
}
