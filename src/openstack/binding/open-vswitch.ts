/**
 * Ports of Open vSwitch (and OVN): the link becomes an interface of the integration bridge that carries the port's id,
 * which the agent or ovn-controller watches for. With `ovs_hybrid_plug` a Linux bridge stands between, on which the
 * agent's iptables filter.
 */
import type { Binding, BindingPort, BindingTools } from './port-binding.ts';

const integrationBridge = 'br-int';

function namesOf(portId: string) {
  const digits = portId.slice(0, 11);
  return { tap: `tap${digits}`, bridge: `qbr${digits}`, inner: `qvb${digits}`, outer: `qvo${digits}` };
}

export const openVswitch: Binding = {
  async bind(port, tools) {
    const { tap, outer } = namesOf(port.id);
    const isHybrid = port.details.ovs_hybrid_plug === true;
    if (isHybrid) await addFilterBridge(port, tools);
    await tools.run('ovs-vsctl', addPort(port, isHybrid ? outer : tap));
  },

  async unbind(portId, { kernel, run }) {
    const { tap, bridge, inner, outer } = namesOf(portId);
    for (const name of [tap, outer]) {
      await run('ovs-vsctl', ['--', '--if-exists', 'del-port', integrationBridge, name]);
    }
    await kernel.apply([
      { do: 'delete-link', name: inner },
      { do: 'delete-link', name: bridge },
    ]);
  },
};

async function addFilterBridge({ id, mtu }: BindingPort, { kernel }: BindingTools): Promise<void> {
  const { tap, bridge, inner, outer } = namesOf(id);
  await kernel.apply([
    { do: 'ensure-bridge', name: bridge, mtu },
    { do: 'ensure-veth', name: inner, mtu, peer: { name: outer } },
    { do: 'set-link', name: inner, bridge, up: true },
    { do: 'set-link', name: outer, up: true },
    { do: 'set-link', name: tap, bridge, up: true },
    { do: 'set-link', name: bridge, up: true },
  ]);
}

function addPort({ id, macAddress, endpointId }: BindingPort, link: string): string[] {
  const ids = {
    'attached-mac': macAddress,
    'iface-id': id,
    'vm-uuid': endpointId,
    'iface-status': 'active',
    owner: 'kuryr',
  };
  return [
    ...['--', '--may-exist', 'add-port', integrationBridge, link],
    ...['--', 'set', 'interface', link],
    ...Object.entries(ids).map(([key, value]) => `external_ids:${key}=${quoted(value)}`),
  ];
}

/** Text of Open vSwitch's database: a colon would end it. */
function quoted(value: string): string {
  return /^[\w-]+$/.test(value) ? value : JSON.stringify(value);
}
