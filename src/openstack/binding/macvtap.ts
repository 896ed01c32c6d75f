/**
 * Ports of Neutron's macvtap agent: a container gets a card of its own on the wire that the agent names. Nothing filters there,
 * as with virtual machines: Neutron says so (`port_filter: false`).
 */
import { type MacvlanMode, macvlanModes } from '../../host/kernel.ts';
import { Failure } from '../../model/failure.ts';
import { linkNames } from './link-names.ts';
import type { Binding, BindingPort } from './port-binding.ts';

export const macvtap: Binding = {
  async single(port, alias) {
    const { id, mtu, macAddress: mac } = port;
    const { parent, mode } = wireOf(port);
    return [{ do: 'ensure-macvlan', name: linkNames(id).container, parent, mode, mtu, mac, alias }];
  },
  bind: async () => undefined,
  unbind: async () => undefined,
};

function wireOf({ id, details }: BindingPort): { readonly parent: string; readonly mode: MacvlanMode } {
  const { macvtap_source: parent, macvtap_mode: asked = 'bridge' } = details;
  const mode = macvlanModes.find((one) => one === asked);
  if (typeof parent === 'string' && parent !== '' && mode) return { parent, mode };
  const said = `macvtap_source ${JSON.stringify(parent)}, macvtap_mode ${JSON.stringify(asked)}`;
  throw new Failure(
    'port-not-usable',
    `the binding of port ${id} has ${said}: expected an interface and one of ${macvlanModes.join(', ')}`,
  );
}
