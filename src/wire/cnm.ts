/**
 * Between `berth cnm` and the daemon of the Container Network Model on this machine (`berth cnm serve`): one line of JSON
 * each way per connection on the socket `cnm.sock` in the state folder (mode 0600).
 *
 * Networks, endpoints and sandboxes go by id, name, or the beginning of an id. No schema library here: both ends are the
 * same release on the same machine, and the command line has to start fast.
 */
import type {
  CnmEndpoint,
  CnmEndpointDraft,
  CnmNetwork,
  CnmNetworkDraft,
  CnmSandbox,
  CnmSandboxDraft,
} from '../model/cnm.ts';
import type { FailureCode } from '../model/failure.ts';

export interface CnmStatus {
  readonly pid: number;
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly stateDir: string;
  readonly networks: number;
  readonly endpoints: number;
  readonly sandboxes: number;
}

/** As people list them; each belongs to the subnet that it is in. */
export interface CnmPoolLists {
  readonly subnets: readonly string[];
  readonly gateways: readonly string[];
  readonly ranges: readonly string[];
  /** Name → address. */
  readonly auxiliary: Readonly<Record<string, string>>;
}

/** With the names of what its ids mean. */
export type CnmEndpointView = CnmEndpoint & { readonly network: string; readonly sandbox: string | null };

export type CnmNetworkView = CnmNetwork & { readonly endpoints: readonly CnmEndpointView[] };

/** `network` tells apart endpoints of one name. */
export interface CnmEndpointRef {
  readonly endpoint: string;
  readonly network?: string;
}

/** Verb → what is said and what is answered. */
export interface CnmCalls {
  status: { readonly ask: object; readonly answer: CnmStatus };
  /** The connection stays open until the daemon is gone. What it made stays. */
  stop: { readonly ask: object; readonly answer: CnmStatus };
  'network-create': {
    readonly ask: Omit<CnmNetworkDraft, 'pools'> & CnmPoolLists;
    readonly answer: CnmNetwork;
  };
  'network-list': { readonly ask: object; readonly answer: readonly CnmNetwork[] };
  'network-show': { readonly ask: { readonly network: string }; readonly answer: CnmNetworkView };
  'network-delete': { readonly ask: { readonly network: string }; readonly answer: null };
  'endpoint-create': {
    readonly ask: { readonly network: string; readonly draft: CnmEndpointDraft };
    readonly answer: CnmEndpointView;
  };
  'endpoint-list': {
    readonly ask: { readonly network?: string };
    readonly answer: readonly CnmEndpointView[];
  };
  'endpoint-show': { readonly ask: CnmEndpointRef; readonly answer: CnmEndpointView };
  'endpoint-join': {
    readonly ask: CnmEndpointRef & { readonly sandbox: string; readonly priority?: number };
    readonly answer: CnmEndpointView;
  };
  'endpoint-leave': { readonly ask: CnmEndpointRef; readonly answer: null };
  /** `force`: leaves its sandbox first. */
  'endpoint-delete': { readonly ask: CnmEndpointRef & { readonly force?: boolean }; readonly answer: null };
  'sandbox-create': { readonly ask: CnmSandboxDraft; readonly answer: CnmSandbox };
  'sandbox-list': { readonly ask: object; readonly answer: readonly CnmSandbox[] };
  'sandbox-delete': { readonly ask: { readonly sandbox: string }; readonly answer: null };
}

export type CnmVerb = keyof CnmCalls;
export type CnmRequest<Verb extends CnmVerb = CnmVerb> = {
  readonly verb: Verb;
  readonly ask: CnmCalls[Verb]['ask'];
};
export type CnmReply<Verb extends CnmVerb = CnmVerb> =
  | { readonly answer: CnmCalls[Verb]['answer'] }
  | { readonly error: { readonly code: FailureCode; readonly message: string } };
