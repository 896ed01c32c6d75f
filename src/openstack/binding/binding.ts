/**
 * How a port's link is handed to whoever wires it on this host: chosen by what Neutron says in `binding:vif_type`.
 *
 * All of them give the container one end of a veth pair (`t_c…`, which dockerd moves) and leave the other (`tap…`) in the
 * namespace of the host; what is done with that one is the binding's. Names are those of Neutron's agents.
 */
import { Failure } from '../../model/failure.ts';
import { linuxBridge } from './linux-bridge.ts';
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
};

const advice: Readonly<Record<string, string>> = {
  berth: 'it is plugged by the Berth on this machine, whose driver is there with `berth up`',
  unbound:
    'Neutron did not bind it to a host: the credentials have to be those of an administrator or service',
  binding_failed:
    'no agent of Neutron is alive under the name of this host: compare `openstack network agent list`',
};

/** Throws `port-not-usable`. */
export function bindingOf(type: string, portId: string, table = bindings): Binding {
  const binding = table[type];
  if (binding) return binding;
  const why = advice[type] ?? `this driver knows ${Object.keys(table).join(', ')}`;
  throw new Failure('port-not-usable', `port ${portId} has the binding "${type || 'none'}": ${why}`);
}

/** As Neutron's agents look for them: 14 characters in all. */
export function linkNames(portId: string): { readonly host: string; readonly container: string } {
  const digits = portId.slice(0, 11);
  return { host: `tap${digits}`, container: `t_c${digits}` };
}
