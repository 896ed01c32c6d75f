/** What the Engine says of a container → the report that the server gets. Pure. */
import type { EngineContainer } from '../docker/engine.ts';
import type { ContainerReport, WantedContainer } from '../wire/agent.ts';

export function toReport(
  uuid: string,
  container: EngineContainer,
  wanted?: WantedContainer,
): ContainerReport {
  const isOver = container.state === 'exited' || container.state === 'dead';
  return {
    uuid,
    state: container.state,
    taskState: null,
    runtimeId: container.id,
    ...(isOver && { exitCode: container.exitCode }),
    createdAt: container.createdAt,
    ...(container.startedAt && { startedAt: container.startedAt }),
    ...(container.finishedAt && { finishedAt: container.finishedAt }),
    reason: reasonOf(container, wanted),
    failed: false,
    vitals: { restartCount: container.restartCount, health: container.health ?? null },
    resolved: {
      command: [...container.command],
      entrypoint: [...container.entrypoint],
      workdir: container.workdir === '' ? null : container.workdir,
      hostname: container.hostname,
      runtime: container.runtime,
      ports: [...container.ports],
    },
  };
}

/** The Engine answered, and does not have it. */
export function missingReport(uuid: string, more: Partial<ContainerReport> = {}): ContainerReport {
  return { uuid, state: 'missing', taskState: null, reason: null, failed: false, ...more };
}

function reasonOf(
  { state, killedForMemory, startError }: EngineContainer,
  wanted?: WantedContainer,
): string | null {
  if (state === 'running' || state === 'paused') return null;
  if (killedForMemory) {
    const limit = wanted ? ` of ${wanted.spec.memoryMiB} MiB` : '';
    return `killed: it needed more than its memory limit${limit}`;
  }
  return startError === '' ? null : startError;
}
