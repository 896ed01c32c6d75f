/**
 * Containers within a virtual machine: their ports hang on the machine's own port, because no agent of Neutron is inside to
 * wire them. Two ways, both upstream Kuryr's: ./trunk.ts and ./address-pairs.ts.
 */
import type { KernelStep } from '../../host/kernel.ts';
import type { PortView } from '../../wire/network-service.ts';
import type { BindingPort } from '../binding/port-binding.ts';

export const nestedKinds = ['vlan', 'macvlan'] as const;
export type NestedKind = (typeof nestedKinds)[number];

/** The port of Neutron that the machine's interface is. */
export interface MachinePort {
  readonly id: string;
  readonly networkId: string;
  /** The name of the interface on this machine. */
  readonly link: string;
}

export interface Attachment {
  readonly kind: NestedKind;
  readonly machine: MachinePort;
  /** Throws `invalid-parameter-value`: containers can only have networks that are there. Absent = any. */
  checkNewNetwork?(): void;
  /** Idempotent. The port has no device yet. */
  attach(port: PortView): Promise<void>;
  /** Idempotent; also of a port that was never attached. */
  detach(port: PortView): Promise<void>;
  has(port: PortView): Promise<boolean>;
  /** Makes the interface that moves into the container. Throws `port-not-usable` when the port is not attached. */
  linkSteps(port: BindingPort, alias: string): Promise<KernelStep[]>;
}
