/**
 * How a port's link is handed to whoever wires it on this host: chosen by what Neutron says in `binding:vif_type`.
 *
 * Most give the container one end of a veth pair (`t_c…`, which dockerd moves) and leave the other (`tap…`) in the
 * namespace of the host; what is done with that one is the binding's. Names are those of Neutron's agents.
 */
import { Failure } from '../../model/failure.ts';
import { linuxBridge } from './linux-bridge.ts';
import { macvtap } from './macvtap.ts';
import { openVswitch } from './open-vswitch.ts';
import type { Binding } from './port-binding.ts';

/** Whoever routes finds the link by its name and does the rest. */
const left: Binding = {
  bind: async () => undefined,
  unbind: async () => undefined,
};

/** By `binding:vif_type`. */
export const bindings: Readonly<Record<string, Binding>> = {
  bridge: linuxBridge,
  tap: left,
  ovs: openVswitch,
  macvtap,
};

const advice: Readonly<Record<string, string>> = {
  berth: 'it is plugged by the Berth on this machine, whose driver is there with `berth up`',
  unbound:
    'Neutron did not bind it to a host: the credentials have to be those of an administrator or service',
  binding_failed:
    'no agent of Neutron is alive under the name of this host: compare `openstack network agent list`',
  hw_veb: 'a function of a card (SR-IOV) cannot be given to a container by this driver',
  hostdev: 'a device of its own cannot be given to a container by this driver',
  vhostuser: 'it is a socket for a virtual machine, of which a container has no use',
};

/** Throws `port-not-usable`. */
export function bindingOf(type: string, portId: string, table = bindings): Binding {
  const binding = table[type];
  if (binding) return binding;
  const why = advice[type] ?? `this driver knows ${Object.keys(table).join(', ')}`;
  throw new Failure('port-not-usable', `port ${portId} has the binding "${type || 'none'}": ${why}`);
}
