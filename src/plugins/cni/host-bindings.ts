/**
 * What an attachment asks of its host: host ports that lead to it and limits. Both stand in the port's binding profile,
 * from which the host's dataplane makes them; so they come and go with the port. The ports are let in by a security
 * group of the port's own, as a publication is meant.
 */
import { KeyedQueue } from '../../base/keyed-queue.ts';
import type { Undo } from '../../base/undo.ts';
import {
  type BoundHostPort,
  parseBindingProfile,
  toBindingProfile,
  withoutBinding,
} from '../../model/host-binding.ts';
import { ipProtocols } from '../../model/ip-protocols.ts';
import { cniPortOwner } from '../../model/network.ts';
import { CniFailure, type CniRequest, cniCode } from '../../wire/cni.ts';
import type { JsonObject, PortView } from '../../wire/network-service.ts';
import { addOwnGroup, removeOwnGroup } from '../own-group.ts';
import type { CniBackend } from './backend.ts';
import type { AskedHostPort } from './capabilities.ts';
import type { Asked } from './configuration.ts';

const groupSuffix = '-host_ports';
const groupDescription = 'Ports of a host that lead to a container (CNI).';
/** Key of the profile: the runtime's name of the container, whose interfaces share their host ports. */
const containerKey = 'cni_container';
const highest = 65_535;

type Profile = JsonObject;

export class HostBindings {
  readonly #backend: CniBackend;
  /** Between the choice of host ports and the port that holds them nobody else chooses. */
  readonly #inTurn = new KeyedQueue();

  constructor(backend: CniBackend) {
    this.#backend = backend;
  }

  /** Makes the port with the profile that was asked for. Throws `conflict` when a host port is taken. */
  async bind(
    { hostPorts, limits }: Asked,
    { containerId }: CniRequest,
    make: (profile: JsonObject) => Promise<PortView>,
  ): Promise<PortView> {
    if (hostPorts.length === 0) {
      return make(toBindingProfile({ hostPorts: [], ...limits }) as JsonObject);
    }
    return this.#inTurn.run('host ports', async () => {
      const chosen = await this.#choose(hostPorts, containerId);
      const profile = toBindingProfile({ hostPorts: chosen, ...limits }) as JsonObject;
      return make({ ...profile, [containerKey]: containerId });
    });
  }

  /** Lets in what the port's host ports lead to. */
  async open(port: PortView, undo: Undo): Promise<PortView> {
    const { hostPorts } = bindingOf(port);
    if (hostPorts.length === 0 || port.port_security_enabled === false) return port;
    const openings = hostPorts.map(({ protocol, containerPort }) => ({
      protocol,
      ports: { first: containerPort, last: containerPort },
    }));
    const distinct = [...new Map(openings.map((one) => [JSON.stringify(one), one])).values()];
    const group = { name: `${port.id}${groupSuffix}`, description: groupDescription, openings: distinct };
    await addOwnGroup(this.#backend.service, port, group, undo);
    return this.#backend.service.get('ports', port.id);
  }

  /** Idempotent. */
  async close(port: PortView): Promise<void> {
    if (bindingOf(port).hostPorts.length === 0) return;
    const { service } = this.#backend;
    const groups = await service.list('security-groups', { name: `${port.id}${groupSuffix}` });
    for (const { id } of groups) await removeOwnGroup(service, port.id, id);
  }

  /** Groups of ports that somebody else deleted. */
  async garbage(): Promise<(readonly [name: string, free: () => Promise<void>])[]> {
    const { service } = this.#backend;
    const groups = await service.list('security-groups', { description: groupDescription });
    const lost: (readonly [string, () => Promise<void>])[] = [];
    for (const { id, name } of groups) {
      const portId = name.slice(0, -groupSuffix.length);
      if ((await service.list('ports', { id: portId })).length > 0) continue;
      lost.push([`security group ${name}`, () => service.remove('security-groups', id)]);
    }
    return lost;
  }

  /** What is not there of what the port's profile asks for, in words. */
  async missing(port: PortView): Promise<string[]> {
    const { hostPorts, ingress, egress } = bindingOf(port);
    if (hostPorts.length === 0 && !ingress && !egress) return [];
    const extras = await this.#backend.extrasOf(port.network_id, port.id);
    if (!extras) return [`port ${port.id} is not on this host`];
    const unserved = hostPorts.filter(
      ({ protocol, routerPort }) =>
        !extras.hostPorts.some(
          (one) => one.protocol === ipProtocols[protocol] && one.routerPort === routerPort,
        ),
    );
    return [
      ...unserved.map(
        ({ protocol, hostPort }) =>
          `host port ${hostPort}/${protocol}: no router with a way out leads from the host to the network (berth router gateway set)`,
      ),
      ...extras.missing,
    ];
  }

  async #choose(asked: readonly AskedHostPort[], containerId: string): Promise<BoundHostPort[]> {
    const { service, host } = this.#backend;
    const all = await service.list('ports', { device_owner: cniPortOwner });
    const here = all.filter((port) => port['binding:host_id'] === host);
    const taken = here.flatMap((port) => bindingOf(port).hostPorts);
    const own = here
      .filter((port) => profileOf(port)[containerKey] === containerId)
      .flatMap((port) => bindingOf(port).hostPorts);
    // A runtime names the container's ports for each of its networks: they lead to the first one.
    const wanted = asked.filter((one) => !own.some((other) => isSame(one, other)));
    await this.#backend.refuseTaken(wanted, taken);
    const used = new Set(taken.map(({ protocol, routerPort }) => `${protocol} ${routerPort}`));
    return wanted.map((one) => ({ ...one, routerPort: claimPort(one, used) }));
  }
}

/** The host's own number where it is free: others may have it with another address of the host. */
function claimPort({ protocol, hostPort }: AskedHostPort, used: Set<string>): number {
  for (let tries = 0; tries < highest; tries += 1) {
    const port = ((hostPort - 1 + tries) % highest) + 1;
    if (used.has(`${protocol} ${port}`)) continue;
    used.add(`${protocol} ${port}`);
    return port;
  }
  throw new CniFailure(cniCode.refused, `all ${protocol} ports of the host are taken`);
}

function isSame(a: AskedHostPort, b: AskedHostPort): boolean {
  return a.protocol === b.protocol && a.hostIp === b.hostIp && a.hostPort === b.hostPort;
}

/** What the profile of a port that was there before becomes. */
export function profileFor(port: PortView, profile: JsonObject): JsonObject {
  return { ...profileOf(port), ...profile };
}

/** And what it is again once the attachment is gone. */
export function profileAfter(port: PortView): JsonObject {
  const { [containerKey]: _, ...others } = withoutBinding(profileOf(port));
  return others as JsonObject;
}

function bindingOf(port: PortView) {
  return parseBindingProfile(profileOf(port));
}

function profileOf(port: PortView): Profile {
  return (port['binding:profile'] ?? {}) as Profile;
}
