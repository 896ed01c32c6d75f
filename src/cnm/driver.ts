/**
 * What a network driver is (libnetwork's driverapi). Drivers keep nothing that is not in the records they are given or in
 * the kernel: after a restart they are handed the same records.
 *
 * Calls of one network come in turn. `create…` and `join` are undone by their counterparts, which accept that there is
 * nothing to undo. Errors are Failures; `driver-forbids` from `deleteNetwork` is the only one that keeps a network.
 */
import type { CnmBinding, CnmEndpoint, CnmJoin, CnmNetwork } from '../model/cnm.ts';

export interface DriverCapabilities {
  /** Whether networks of this driver mean the same on every host. */
  readonly scope: 'local' | 'global';
  /** False: networks have neither pools nor addresses (`null`, `host`). */
  readonly hasAddresses: boolean;
  /** True: there is one network of this driver, and sandboxes of it are of this kind only. */
  readonly isSingle: boolean;
}

/** Properties that the driver chose; only such as the endpoint did not have. */
export type ChosenByDriver = Partial<Pick<CnmEndpoint, 'macAddress' | 'address' | 'address6'>>;

export interface Driver {
  readonly type: string;
  capabilities(): Promise<DriverCapabilities>;
  createNetwork(network: CnmNetwork): Promise<void>;
  /** After a restart of this process or of the machine: what of the network is this host's own and may be gone. */
  restoreNetwork(network: CnmNetwork): Promise<void>;
  deleteNetwork(network: CnmNetwork): Promise<void>;
  createEndpoint(network: CnmNetwork, endpoint: CnmEndpoint): Promise<ChosenByDriver>;
  deleteEndpoint(network: CnmNetwork, endpoint: CnmEndpoint): Promise<void>;
  /** `sandboxKey`: path of the namespace; empty = the host's own. */
  join(network: CnmNetwork, endpoint: CnmEndpoint, sandboxKey: string): Promise<CnmJoin>;
  leave(network: CnmNetwork, endpoint: CnmEndpoint): Promise<void>;
  /** The endpoint became its sandbox's gateway: publishes its ports. */
  program(network: CnmNetwork, endpoint: CnmEndpoint): Promise<readonly CnmBinding[]>;
  revoke(network: CnmNetwork, endpoint: CnmEndpoint): Promise<void>;
}

/** The records, for drivers that look at others than they are given. */
export interface CnmView {
  networks(): readonly CnmNetwork[];
  endpoints(): readonly CnmEndpoint[];
}
