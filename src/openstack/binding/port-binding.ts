/** One way to hand a port's link to whoever wires it. The table of them is ./binding.ts. */
import type { RunCommand } from '../../host/command.ts';
import type { Kernel } from '../../host/kernel.ts';

export interface BindingPort {
  readonly id: string;
  readonly networkId: string;
  readonly macAddress: string;
  readonly mtu: number;
  readonly endpointId: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface BindingTools {
  readonly kernel: Pick<Kernel, 'apply'>;
  readonly run: RunCommand;
}

/** Both are idempotent. */
export interface Binding {
  /** The pair stands. */
  bind(port: BindingPort, tools: BindingTools): Promise<void>;
  /** The pair is removed afterwards. */
  unbind(portId: string, tools: BindingTools): Promise<void>;
}
