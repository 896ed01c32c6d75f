/** What the service needs of the rest of the house. */
import type { Log } from '../../base/log.ts';
import type { Authenticator } from '../../control/authenticator.ts';
import type { NetworkControl } from '../../control/network/network-control.ts';

export interface NeutronOptions {
  readonly control: NetworkControl;
  readonly authenticator: Authenticator;
  readonly config: {
    /** How clients reach the API; empty = as the request says it did. */
    readonly publicUrl: string;
    readonly agent: { readonly availabilityZone: string };
  };
  readonly log: Log;
}
