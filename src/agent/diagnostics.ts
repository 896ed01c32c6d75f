/** Questions about this host's dataplane. */
import type { Bus } from '../bus/bus.ts';
import { traceOf } from '../network/plan/trace/trace.ts';
import { networkDoctor } from '../wire/doctor.ts';
import { tracePacket } from '../wire/trace.ts';
import type { HostDataplane } from './dataplane.ts';
import type { Networks } from './networks.ts';

export interface DiagnosticsOptions {
  readonly bus: Bus;
  readonly networks: Pick<Networks, 'all' | 'find'>;
  readonly dataplane: Pick<HostDataplane, 'examine'>;
}

export function serveDiagnostics({ bus, networks, dataplane }: DiagnosticsOptions): void {
  bus.serve(tracePacket, async (packet) => traceOf(networks.all(), packet));
  bus.serve(networkDoctor, async ({ repair }) => {
    // Read in each network's turn: what is examined is what is wanted then.
    const wanted = networks.all().map(({ id }) => ({ id, read: async () => networks.find(id) }));
    const findings = await dataplane.examine(wanted, repair);
    return { networks: wanted.length, findings: findings.map((finding) => ({ ...finding })) };
  });
}
