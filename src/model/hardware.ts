/** What a host is built of, beyond sums: its NUMA nodes and PCI devices. */
export interface NumaNode {
  readonly id: number;
  /** As the kernel lists them: `0-3,8`. */
  readonly cpus: string;
  readonly memoryMiB: number;
}

export interface PciDevice {
  /** `0000:00:1f.2` */
  readonly address: string;
  /** Four hexadecimal digits, and six for the class. */
  readonly vendorId: string;
  readonly productId: string;
  readonly classId: string;
  /** Null = it is near none, or nobody knows. */
  readonly numaNode: number | null;
}

/** Empty lists where the kernel shows none, as in many virtual machines. */
export interface Hardware {
  readonly numaNodes: readonly NumaNode[];
  readonly pciDevices: readonly PciDevice[];
}

export const noHardware: Hardware = { numaNodes: [], pciDevices: [] };
