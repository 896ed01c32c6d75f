/** One way to hand a port's link to whoever wires it. The table of them is ./binding.ts. */
import type { RunCommand } from '../../host/command.ts';
import type { Kernel, KernelStep } from '../../host/kernel.ts';

export interface BindingPort {
  readonly id: string;
  readonly networkId: string;
  /** In lower case. */
  readonly macAddress: string;
  readonly mtu: number;
  readonly endpointId: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface BindingTools {
  readonly kernel: Pick<Kernel, 'apply'>;
  readonly run: RunCommand;
}

/** All are idempotent. */
export interface Binding {
  /** In place of the usual pair: one link, `t_c…`, which moves into the container whole and leaves nothing on the host. */
  single?(port: BindingPort, alias: string): Promise<KernelStep[]>;
  /** The links stand. */
  bind(port: BindingPort, tools: BindingTools): Promise<void>;
  /** The links are removed afterwards. */
  unbind(portId: string, tools: BindingTools): Promise<void>;
}
