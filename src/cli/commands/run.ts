/** `berth run` and `berth create`: a container from an image, waited for. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Cloud } from '../../client/cloud.ts';
import type { ContainerRequest, ContainerView } from '../../client/container-types.ts';
import { Failure } from '../../model/failure.ts';
import { operationRow } from '../../model/operation-table.ts';
import { containerRequest, type RunOptions, runOptions } from '../container-request.ts';
import { type Call, collect, define, number, type OptionRow, type Setting } from '../define.ts';
import { exitCodes } from '../explain.ts';
import { type PublishAsk, publishAsksOf } from '../publish/ask.ts';
import { publish, type Where } from '../publish/publish.ts';
import { externalNetworkOf } from '../publish/way-out.ts';
import { UsageError } from '../usage-error.ts';
import { waitForContainer } from '../wait.ts';
import { showContainer } from './container-view.ts';

interface WaitOptions {
  readonly wait?: boolean;
  readonly waitTimeout?: number;
}

type Options = RunOptions & WaitOptions & { readonly publish?: readonly string[] };

const publishRow: OptionRow = [
  '--publish <port>',
  'PORT or OUTSIDE:INSIDE, with /tcp or /udp: reachable from outside (repeatable)',
  collect,
];

const waitRows: readonly OptionRow[] = [
  ['-d, --no-wait', 'return as soon as the cloud has accepted it'],
  [
    '--wait-timeout <seconds>',
    `give up waiting after this long (0 = never; ${operationRow('create').seconds})`,
    number,
  ],
];

export function commands(setting: Setting): void {
  define<Options>(setting, {
    usage: 'run <image> [command...]',
    summary: 'make a container and start it',
    options: [...runOptions, publishRow, ...waitRows],
    prints: true,
    passThrough: true,
    examples: [
      'berth run -n web nginx:1.25',
      'berth run -n shop --publish 8080:80 nginx:1.25',
      'berth run -n db --cpu 2 -m 1024 -e POSTGRES_PASSWORD=x --net network=back --restart on-failure:3 postgres',
      "berth run --rm -p 8080/tcp busybox sh -c 'httpd -f -p 8080'",
    ],
    run: (call) => make(call, true),
  });
  define<RunOptions & WaitOptions>(setting, {
    usage: 'create <image> [command...]',
    summary: 'make a container without starting it',
    options: [...runOptions, ...waitRows],
    prints: true,
    passThrough: true,
    examples: ['berth create -n web nginx:1.25', 'berth start web'],
    run: (call) => make(call, false),
  });
}

async function make(call: Call<Options>, run: boolean): Promise<number> {
  const [image = '', ...command] = call.operands;
  const { world, options } = call;
  const asks = publishAsksOf(options.publish ?? []);
  if (asks.length > 0 && options.wait === false) {
    throw new UsageError('--publish waits for the address of the container: leave out --no-wait');
  }
  const request = await containerRequest({
    image,
    command,
    options,
    env: world.env,
    readFile: (path) => readBase64(resolve(world.cwd, path)),
  });
  const cloud = await call.cloud();
  if (asks.length > 0) await checkWaysOut(cloud, request);
  const made = await cloud.containers.create(request, { run });
  if (options.wait === false) {
    await showContainer(call, cloud, made);
    return exitCodes.done;
  }
  const waiting = {
    cloud,
    world,
    progress: call.progress,
    seconds: options.waitTimeout ?? operationRow('create').seconds,
  };
  const wanted = run ? ['Running', 'Stopped', 'Error'] : ['Created', 'Error'];
  const seen = await waitForContainer(waiting, made.uuid, (now) => !now || wanted.includes(now.status));
  if (!seen) {
    call.progress.note(`${made.name}: ran, ended and was removed`);
    return exitCodes.done;
  }
  if (seen.status === 'Error') throw new Failure('docker-error', `${seen.name}: ${seen.status_reason}`);
  if (asks.length > 0) await publishPorts(call, { cloud, container: seen, progress: call.progress }, asks);
  await showContainer(call, cloud, seen);
  return seen.status === 'Stopped' ? ended(call, seen) : exitCodes.done;
}

/** Before anything is made, as far as the networks are named. */
async function checkWaysOut({ networks }: Cloud, { nets }: ContainerRequest): Promise<void> {
  const names = (nets ?? []).flatMap(({ network }) => network ?? []);
  if (names.length !== 1 || names.length !== nets?.length) return;
  await externalNetworkOf(networks, (await networks.find('networks', names[0] ?? '')).id);
}

/** The container stays when this fails: its data and log may be worth more than its address. */
async function publishPorts(call: Call, where: Where, asks: readonly PublishAsk[]): Promise<void> {
  const { name } = where.container;
  try {
    for (const { address, port, protocol } of await publish(where, asks, false)) {
      call.progress.note(`${name}: reach port ${port}/${protocol} at ${address}`);
    }
  } catch (error) {
    call.progress.note(`${name}: runs, but is not published; try again with: berth expose ${name} …`);
    throw error;
  }
}

/** A container that ended before anybody saw it run: fine when it said so itself. */
function ended(call: Call, container: ContainerView): number {
  const detail = container.status_detail?.trim() ?? 'ended';
  call.progress.note(`${container.name}: ${detail}; see what it wrote: berth logs ${container.name}`);
  return /^Exited\(0\)/.test(detail) ? exitCodes.done : exitCodes.failed;
}

async function readBase64(path: string): Promise<string> {
  try {
    return await readFile(path, 'base64');
  } catch (error) {
    throw new UsageError(`--mount: cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}
