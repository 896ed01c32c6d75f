/**
 * Questions about one container that are answered at once: logs, execute, top, stats, inspect.
 *
 * A container is found by the name that its uuid gives, and must carry our label: a uuid from the wire is checked
 * before it becomes part of a name.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Bus } from '../bus/bus.ts';
import type { Engine, EngineContainer, EngineStats } from '../docker/engine.ts';
import { Failure } from '../model/failure.ts';
import { dockerContainerName, dockerLabels } from '../model/host-names.ts';
import { looksLikeUuid } from '../model/ids.ts';
import {
  containerExecute,
  containerInspect,
  containerLogs,
  containerStats,
  containerTop,
} from '../wire/agent-questions.ts';
import { followLogs } from '../wire/streams.ts';
import { serveArchives } from './archives.ts';
import { missingReport, toReport } from './observed.ts';
import { serveTerminals } from './terminals.ts';

export interface QuestionsOptions {
  readonly bus: Bus;
  readonly engine: Engine;
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
}

const mebibyte = 2 ** 20;

export function serveQuestions({ bus, engine, instance, clock, log }: QuestionsOptions): void {
  const find = async (uuid: string): Promise<EngineContainer | undefined> => {
    if (!looksLikeUuid(uuid))
      throw new Failure('invalid', `${JSON.stringify(uuid)} is not a container's uuid`);
    const found = await engine.findContainer(dockerContainerName(uuid));
    return found?.labels[dockerLabels.instance] === instance ? found : undefined;
  };
  const get = async (uuid: string): Promise<EngineContainer> => {
    const found = await find(uuid);
    if (!found) throw new Failure('invalid', 'Cannot operate an uncreated container.');
    return found;
  };

  serveArchives({ bus, engine, get });
  serveTerminals({ bus, engine, log, get });
  bus.streams.serve(followLogs, async ({ uuid, ...options }) => {
    const { id } = await get(uuid);
    return { head: {}, download: await engine.followLogs(id, options) };
  });
  bus.serve(containerLogs, async ({ uuid, ...options }) => {
    const { id } = await get(uuid);
    return { text: await engine.logs(id, options) };
  });
  bus.serve(containerExecute, async ({ uuid, command, timeoutSeconds, ...more }, { signal }) => {
    const { id } = await get(uuid);
    return engine.execute(id, command, { ...more, timeoutMs: timeoutSeconds * 1000, signal });
  });
  bus.serve(containerTop, async ({ uuid, psArgs }) => {
    const { titles, processes } = await engine.top((await get(uuid)).id, psArgs);
    return { titles: [...titles], processes: processes.map((line) => [...line]) };
  });
  bus.serve(containerStats, async ({ uuid }) => toNumbers(await engine.stats((await get(uuid)).id)));
  bus.serve(containerInspect, async ({ uuid }) => {
    const observedAt = clock.now().toISOString();
    const found = await find(uuid);
    return { ...(found ? toReport(uuid, found) : missingReport(uuid)), observedAt };
  });
}

/** CPU as its share of all CPU time since the container's start, as users of Zun know it; not a rate. */
function toNumbers(stats: EngineStats) {
  const { cpuNanoseconds, systemCpuNanoseconds, memoryUsedBytes, memoryLimitBytes } = stats;
  const percent = (part: number, whole: number) => (whole > 0 ? (part / whole) * 100 : 0);
  return {
    cpuPercent: percent(cpuNanoseconds, systemCpuNanoseconds),
    memoryUsedMiB: memoryUsedBytes / mebibyte,
    memoryLimitMiB: memoryLimitBytes / mebibyte,
    memoryPercent: percent(memoryUsedBytes, memoryLimitBytes),
    blockReadBytes: stats.blockReadBytes,
    blockWriteBytes: stats.blockWriteBytes,
    netRxBytes: stats.netRxBytes,
    netTxBytes: stats.netTxBytes,
  };
}
