/** `berth demo`: starts what is needed, plays the demo, and leaves the machine as it was found. */
import { statePaths } from '../../base/state-paths.ts';
import { askStatus, stopServer } from '../../client/control.ts';
import { Failure } from '../../model/failure.ts';
import { openCloud } from '../call.ts';
import { type Call, define, type Setting } from '../define.ts';
import { exitCodes, explain } from '../explain.ts';
import { startServer, waitUntilReady } from '../local-server.ts';
import { Progress } from '../output/progress.ts';

export function commands(setting: Setting): void {
  define(setting, {
    usage: 'demo',
    summary: 'show two containers, a network, and a port that no rule opens; removes all of it again',
    examples: ['berth demo', 'berth demo --state-dir /srv/berth'],
    run: demo,
  });
}

async function demo(call: Call): Promise<number> {
  const { world, out, stateDir } = call;
  // Every step prints a line of its own: what happens in between is for terminals, where it passes.
  const progress = new Progress(world.stderr, world.stderr.isTTY !== true);
  const [{ Story, interruptible }, { playDemo }] = await Promise.all([
    import('../demo/story.ts'),
    import('../demo/demo.ts'),
  ]);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new Failure('unavailable', 'interrupted'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  const print = (line: string) => {
    progress.clear();
    out.raw(`${line}\n`);
  };
  const story = new Story(print, interrupted.signal);
  let code: number = exitCodes.done;
  let isOurs = false;
  try {
    isOurs = await story.step('Berth runs on this machine', () => ensureBerth({ ...call, progress }, print));
    const cloud = await openCloud(world, { ...call.options, osCloud: 'berth', stateDir });
    const engine = { dockerHost: world.env.DOCKER_HOST };
    const sleep = interruptible(world.sleep, interrupted.signal);
    await playDemo({ cloud, engine, world: { ...world, sleep }, patient: world, progress, print, story });
  } catch (error) {
    code = tell(call, error);
  }
  await story.removeAll().catch((error: unknown) => {
    code = tell(call, error);
  });
  if (isOurs) {
    await stopServer(statePaths(stateDir).controlSocket);
    print('Berth did not run before, so it was stopped again. To go on: berth up -d');
  }
  print(code === exitCodes.done ? `Done in ${story.took}.` : `Failed after ${story.took}.`);
  return code;
}

/** True when it was started here and is therefore to be stopped again. */
async function ensureBerth({ world, stateDir, progress }: Call, print: (line: string) => void) {
  const there = await askStatus(statePaths(stateDir).controlSocket);
  if (there) return { said: `${there.url}, as before`, made: false };
  print(`Berth does not run on ${stateDir}: starting it`);
  const server = startServer(world, { stateDir, settings: {}, background: true });
  server.child.unref();
  const onPhase = (text: string) => progress.step(text);
  const status = await waitUntilReady(world, stateDir, { server, seconds: 90, onPhase });
  return { said: status.url, made: true };
}

function tell({ world, progress }: Call, error: unknown): number {
  progress.clear();
  for (const line of explain(error, 'demo').lines) world.stderr.write(`${line}\n`);
  return exitCodes.failed;
}
