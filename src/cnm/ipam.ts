/** What an IPAM driver is (libnetwork's ipamapi). Addresses come and go as `10.0.0.5/24`. */

export interface AskedPool {
  readonly version: 4 | 6;
  readonly scope: 'local' | 'global';
  /** A CIDR; empty = the driver chooses. */
  readonly cidr: string;
  readonly subPool: string;
  readonly options: Readonly<Record<string, string>>;
}

export interface GivenPool {
  readonly id: string;
  readonly cidr: string;
  /** The driver's name for where the pool is unique; network drivers are told it. */
  readonly addressSpace: string;
  /** Set when the driver itself knows the gateway (`com.docker.network.gateway`). */
  readonly gateway?: string;
}

export type AddressPurpose = 'endpoint' | 'gateway' | 'auxiliary';

export interface AskedAddress {
  readonly poolId: string;
  /** Empty = the driver chooses. */
  readonly address: string;
  readonly purpose: AddressPurpose;
  readonly macAddress?: string;
  readonly options: Readonly<Record<string, string>>;
}

export interface Ipam {
  readonly name: string;
  /** Whether it is to be told the endpoint's MAC address, and whether it forgets everything at a restart. */
  capabilities(): Promise<{ readonly needsMacAddress: boolean; readonly needsReplay: boolean }>;
  /** Throws `pool-overlaps`, `pool-exhausted`, `invalid-value`. */
  requestPool(asked: AskedPool): Promise<GivenPool>;
  releasePool(poolId: string): Promise<void>;
  /** With prefix length; null = this driver gives none. Throws `ip-address-in-use`, `ip-address-exhausted`, `invalid-ip-for-subnet`. */
  requestAddress(asked: AskedAddress): Promise<string | null>;
  releaseAddress(poolId: string, address: string): Promise<void>;
}
