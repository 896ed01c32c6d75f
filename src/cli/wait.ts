/**
 * Waiting for what the cloud does after it has answered, with what it is doing shown meanwhile.
 *
 * The interval grows: most containers run within a second, and a long pull should not be asked about often.
 */
import type { Cloud } from '../client/cloud.ts';
import type { ContainerView } from '../client/container-types.ts';
import type { TaskState } from '../model/container.ts';
import { Failure, isFailure } from '../model/failure.ts';
import type { Progress } from './output/progress.ts';
import type { World } from './world.ts';

export interface Waiting {
  readonly cloud: Cloud;
  readonly world: World;
  readonly progress: Progress;
  /** Give up after this many seconds; 0 = never. */
  readonly seconds: number;
}

const firstPauseMs = 50;
const longestPauseMs = 1000;

/** Asks until `done` says yes; undefined = the container is gone. Throws `timeout`, saying what it is doing. */
export async function waitForContainer(
  waiting: Waiting,
  uuid: string,
  done: (container: ContainerView | undefined) => boolean,
): Promise<ContainerView | undefined> {
  return until(waiting, async () => {
    const container = await look(waiting.cloud, uuid);
    return done(container)
      ? { result: container }
      : { doing: container ? `${container.name}: ${doing(container)}` : uuid };
  });
}

/** Waits for the end of what a request set going. Throws when the action log says that it failed. */
export async function waitForAction(waiting: Waiting, container: string, requestId: string): Promise<void> {
  const { containers } = waiting.cloud;
  const action = await until(waiting, async () => {
    const now = await containers.action(container, requestId);
    return now.finish_time ? { result: now } : { doing: `${container}: ${now.action} is going on` };
  });
  if (action.message !== 'Error') return;
  const reason = (await look(waiting.cloud, container))?.status_reason;
  const why = reason ?? `see: berth actions ${container} ${requestId}`;
  throw new Failure('docker-error', `${container}: ${action.action} failed: ${why}`);
}

type Look<T> = { readonly result: T } | { readonly doing: string };

async function until<T>({ world, progress, seconds }: Waiting, ask: () => Promise<Look<T>>): Promise<T> {
  const end = seconds > 0 ? performance.now() + seconds * 1000 : Number.POSITIVE_INFINITY;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.3, longestPauseMs)) {
    const seen = await ask();
    if ('result' in seen) {
      progress.clear();
      return seen.result;
    }
    progress.step(seen.doing);
    if (performance.now() > end) throw new Failure('timeout', `${seen.doing}, still after ${seconds} s`);
    await world.sleep(pauseMs);
  }
}

async function look(cloud: Cloud, uuid: string): Promise<ContainerView | undefined> {
  try {
    return await cloud.containers.get(uuid);
  } catch (error) {
    if (isFailure(error) && error.status === 404) return undefined;
    throw error;
  }
}

const tasks: Readonly<Record<TaskState, string>> = {
  image_pulling: 'pulling its image',
  container_creating: 'being made',
  container_starting: 'starting',
  container_stopping: 'stopping',
  container_deleting: 'being deleted',
  container_rebooting: 'restarting',
  container_rebuilding: 'being made anew',
  container_pausing: 'being paused',
  container_unpausing: 'going on',
  container_killing: 'being sent a signal',
  sg_adding: 'getting a security group',
  sg_removing: 'losing a security group',
  network_attaching: 'joining a network',
  network_detaching: 'leaving a network',
};

/** A service may know others. */
function doing({ status, task_state: task }: ContainerView): string {
  return (task && ((tasks as Readonly<Record<string, string>>)[task] ?? task)) || status;
}
