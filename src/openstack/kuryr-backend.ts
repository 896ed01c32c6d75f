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
import { bindingOf, bindings, linkNames } from './binding/binding.ts';
import type { Binding } from './binding/port-binding.ts';

export interface NeutronBackendOptions {
  readonly service: NetworkService;
  readonly host: string;
  readonly kernel: Pick<Kernel, 'apply' | 'links'>;
  readonly run: RunCommand;
  /** What Docker has of this driver. */
  readonly holdings: () => Promise<Holdings>;
  /** By `binding:vif_type`; the usual ones unless told. */
  readonly bindings?: Readonly<Record<string, Binding>>;
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
  const remove = async ({ type, portId }: Plugged): Promise<void> => {
    await table[type]?.unbind(portId, tools);
    await kernel.apply([{ do: 'delete-link', name: linkNames(portId).host }]);
  };
  return {
    service,
    host,
    holdings: options.holdings,
    /** Links of ports that are gone: the process ended before it could tell Docker of them. */
    shelters: [
      {
        kind: 'link',
        find: async () => {
          const lost: string[] = [];
          for (const { portId } of await pluggedLinks(kernel)) {
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
      return port && port['binding:host_id'] === host ? toHostPort(port) : undefined;
    },
    async plug(what: { readonly networkId: string; readonly portId: string; readonly endpointId: string }) {
      const { portId, networkId, endpointId } = what;
      const port = await service.get('ports', portId);
      const { mtu } = await service.get('networks', networkId);
      const type = String(port['binding:vif_type'] ?? '');
      const binding = bindingOf(type, portId, table);
      const macAddress = port.mac_address;
      await kernel.apply(pairSteps({ type, portId, endpointId }, { mtu, macAddress }));
      const details = (port['binding:vif_details'] ?? {}) as Record<string, unknown>;
      await binding.bind({ id: portId, networkId, macAddress, mtu, endpointId, details }, tools);
      return { linkName: linkNames(portId).container };
    },
    async unplug({ portId, endpointId }: { readonly portId: string; readonly endpointId: string }) {
      const there = (await pluggedLinks(kernel)).find((each) => each.portId === portId);
      // Of another endpoint by now: that one keeps it.
      if (!there || there.endpointId !== endpointId) return;
      await remove(there);
    },
    async portOfEndpoint(endpointId: string) {
      return (await pluggedLinks(kernel)).find((each) => each.endpointId === endpointId)?.portId;
    },
    isDefaultGateway: () => true,
    /** As if each had: no way to a resolver is added. */
    hasRoute: async () => true,
  };
}

function pairSteps(
  plugged: Plugged,
  { mtu, macAddress }: { readonly mtu: number; readonly macAddress: string },
): KernelStep[] {
  const { host, container } = linkNames(plugged.portId);
  return [
    {
      do: 'ensure-veth',
      name: host,
      mtu,
      alias: aliasOf(plugged),
      peer: { name: container, mac: macAddress.toLowerCase() },
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
