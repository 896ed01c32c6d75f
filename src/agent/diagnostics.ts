/** Questions about this host's dataplane. */
import type { Bus } from '../bus/bus.ts';
import { traceOf } from '../network/plan/trace/trace.ts';
import { tracePacket } from '../wire/trace.ts';
import type { Networks } from './networks.ts';

export interface DiagnosticsOptions {
  readonly bus: Bus;
  readonly networks: Pick<Networks, 'all'>;
}

export function serveDiagnostics({ bus, networks }: DiagnosticsOptions): void {
  bus.serve(tracePacket, async (packet) => traceOf(networks.all(), packet));
}
