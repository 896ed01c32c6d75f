/**
 * Ports of Neutron's Linux bridge agent: the link joins the bridge of its network, which the agent connects to the other
 * hosts and filters on. The agent itself leaves links of `compute:…` owners to whoever owns them.
 */
import type { Binding } from './port-binding.ts';

/** As the agent names the bridge of a network: 14 characters in all. */
const bridgeOf = (networkId: string) => `brq${networkId.slice(0, 11)}`;

export const linuxBridge: Binding = {
  bind: ({ id, networkId, mtu }, { kernel }) => {
    const bridge = bridgeOf(networkId);
    return kernel.apply([
      { do: 'ensure-bridge', name: bridge, mtu },
      { do: 'set-link', name: bridge, up: true },
      { do: 'set-link', name: `tap${id.slice(0, 11)}`, bridge, up: true },
    ]);
  },
  // The bridge stays: it is the agent's, and goes with the network.
  unbind: async () => undefined,
};
