/**
 * What the libnetwork plugin works with where Neutron's own agents wire the ports: the service is asked for everything,
 * and the links' aliases tell, after a restart, which endpoint has which port. The plugin declares the shape.
 *
 * Neutron has no say in which of a container's networks leads out, nor a resolver that containers would need a way to.
 */
import type { RunCommand } from '../host/command.ts';
import type { Kernel, KernelStep } from '../host/kernel.ts';
import type { Holdings } from '../model/holdings.ts';
import type { NetworkService, PortView } from '../wire/network-service.ts';
import { bindingOf, bindings } from './binding/binding.ts';
import { linkNames } from './binding/link-names.ts';
import type { Binding, BindingPort } from './binding/port-binding.ts';

export interface NeutronBackendOptions {
  readonly service: NetworkService;
  readonly host: string;
  readonly kernel: Pick<Kernel, 'apply' | 'links'>;
  readonly run: RunCommand;
  /** What Docker has of this driver. */
  readonly holdings: () => Promise<Holdings>;
  /** By `binding:vif_type`; the usual ones unless told. */
  readonly bindings?: Readonly<Record<string, Binding>>;
  /** Instead of all that: how a port is wired, and what that is called. */
  readonly choose?: () => { readonly type: string; readonly binding: Binding };
}

interface Plugged {
  readonly type: string;
  readonly portId: string;
  readonly endpointId: string;
}

export function neutronBackend(options: NeutronBackendOptions) {
  const { service, host, kernel, run } = options;
  const tools = { kernel, run };
  const table = options.bindings ?? bindings;
  const isHere = async (port: PortView) => port['binding:host_id'] === host;
  const typeOf = (port: PortView) => String(port['binding:vif_type'] ?? '');
  const choose = (port: PortView) =>
    options.choose?.() ?? { type: typeOf(port), binding: bindingOf(typeOf(port), port.id, table) };
  /** Its link is in the container, where it cannot be seen from here. */
  const isWhole = (port: PortView) =>
    (options.choose?.().binding ?? table[typeOf(port)])?.single !== undefined;
  const remove = async ({ type, portId }: Plugged): Promise<void> => {
    await table[type]?.unbind(portId, tools);
    const names = Object.values(linkNames(portId));
    await kernel.apply(names.map((name) => ({ do: 'delete-link', name })));
  };
  return {
    service,
    host,
    holdings: options.holdings,
    isHere,
    /** Links of ports that are gone, and that no container has: the process ended before it could tell Docker of them. */
    shelters: [
      {
        kind: 'link',
        find: async () => {
          const lost: string[] = [];
          const links = await pluggedLinks(kernel);
          if (links.length === 0) return lost;
          const held = new Set((await options.holdings()).endpoints.map(({ id }) => id));
          for (const { portId, endpointId } of links) {
            if (held.has(endpointId)) continue;
            if ((await service.list('ports', { id: portId })).length === 0) lost.push(portId);
          }
          return lost;
        },
        free: async (portId: string) => {
          const there = (await pluggedLinks(kernel)).find((each) => each.portId === portId);
          if (there) await remove(there);
        },
      },
    ],
    findSubnet: async () => undefined,
    /** Only by its id: nothing else is known without a question. */
    async findPort({ portId }: { readonly portId?: string }) {
      if (portId === undefined) return undefined;
      const [port] = await service.list('ports', { id: portId });
      return port && (await isHere(port)) ? toHostPort(port) : undefined;
    },
    async plug(what: { readonly networkId: string; readonly portId: string; readonly endpointId: string }) {
      const { portId, networkId, endpointId } = what;
      const port = await service.get('ports', portId);
      const { mtu } = await service.get('networks', networkId);
      const { type, binding } = choose(port);
      const macAddress = port.mac_address.toLowerCase();
      const details = (port['binding:vif_details'] ?? {}) as Record<string, unknown>;
      const bound = { id: portId, networkId, macAddress, mtu, endpointId, details };
      const alias = aliasOf({ type, portId, endpointId });
      await kernel.apply((await binding.single?.(bound, alias)) ?? pairSteps(bound, alias));
      await binding.bind(bound, tools);
      return { linkName: linkNames(portId).container };
    },
    async unplug({ portId, endpointId }: { readonly portId: string; readonly endpointId: string }) {
      const there = (await pluggedLinks(kernel)).find((each) => each.portId === portId);
      // Of another endpoint by now: that one keeps it.
      if (!there || there.endpointId !== endpointId) return;
      await remove(there);
    },
    async portOfEndpoint(endpointId: string) {
      const there = (await pluggedLinks(kernel)).find((each) => each.endpointId === endpointId);
      if (there) return there.portId;
      const [port] = await service.list('ports', { device_id: endpointId });
      return port && isWhole(port) && (await isHere(port)) ? port.id : undefined;
    },
    isDefaultGateway: () => true,
    /** As if each had: no way to a resolver is added. */
    hasRoute: async () => true,
  };
}

function pairSteps({ id, mtu, macAddress: mac }: BindingPort, alias: string): KernelStep[] {
  const { host, container } = linkNames(id);
  return [
    {
      do: 'ensure-veth',
      name: host,
      mtu,
      alias,
      peer: { name: container, mac },
    },
    { do: 'set-link', name: container, mtu },
    { do: 'set-link', name: host, up: true },
  ];
}

function aliasOf({ type, portId, endpointId }: Plugged): string {
  return `kuryr ${type} ${portId} ${endpointId}`;
}

async function pluggedLinks(kernel: Pick<Kernel, 'links'>): Promise<Plugged[]> {
  return (await kernel.links()).flatMap(({ alias }) => {
    const [, type, portId, endpointId] = /^kuryr (\S+) (\S+) (\S+)$/.exec(alias) ?? [];
    return type && portId && endpointId ? [{ type, portId, endpointId }] : [];
  });
}

function toHostPort(port: PortView) {
  return {
    id: port.id,
    networkId: port.network_id,
    macAddress: port.mac_address,
    fixedIps: port.fixed_ips.map((ip) => ({ address: ip.ip_address, subnetId: ip.subnet_id })),
    deviceOwner: port.device_owner,
  };
}
