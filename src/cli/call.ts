/** Puts together what a command gets to work with: output, progress, and the way to its cloud. */
import { type Cloud, connect } from '../client/cloud.ts';
import type { Fetch } from '../client/http.ts';
import { Failure } from '../model/failure.ts';
import { type GlobalOptions, stateDirOf } from './cloud/options.ts';
import type { Call } from './define.ts';
import { Output, type OutputOptions } from './output/output.ts';
import { Progress } from './output/progress.ts';
import type { World } from './world.ts';

export function openCall<Options extends object>(
  world: World,
  options: Options & GlobalOptions & OutputOptions,
  operands: readonly string[],
): Call<Options> {
  const colour = world.stdout.isTTY === true && !world.env.NO_COLOR && world.env.TERM !== 'dumb';
  return {
    operands,
    options,
    world,
    out: new Output(world.stdout, options, colour),
    progress: new Progress(world.stderr, false),
    stateDir: stateDirOf(options, world),
    cloud: () => openCloud(world, options),
    tls: async () => {
      const { findCloud } = await import('./cloud/sources.ts');
      const { cacert, insecure } = await findCloud(options, world);
      return { cacert, insecure };
    },
  };
}

export async function openCloud(world: World, options: GlobalOptions): Promise<Cloud> {
  // Loaded here, because commands such as `--help` and `down` need none of it.
  const [{ findCloud }, { tokenFile }, { createFetch }] = await Promise.all([
    import('./cloud/sources.ts'),
    import('./cloud/token-file.ts'),
    import('./cloud/http-fetch.ts'),
  ]);
  const found = await findCloud(options, world);
  const fetch = createFetch({ cacert: found.cacert, insecure: found.insecure });
  return connect({
    credentials: found.credentials,
    tokens: tokenFile(world.env.XDG_CACHE_HOME ?? `${world.home}/.cache`, found.credentials),
    fetch: options.debug ? told(fetch, world) : fetch,
    timeoutMs: timeoutMsOf(options.requestTimeout),
  });
}

function timeoutMsOf(seconds = '60'): number {
  const value = Number(seconds);
  if (value > 0) return value * 1000;
  throw new Failure('invalid-value', `--request-timeout ${seconds}: expected a number of seconds above 0`);
}

/** Tells every exchange on stderr. URLs only: headers and bodies hold secrets. */
function told(fetch: Fetch, world: World): Fetch {
  return async (url, init) => {
    const start = performance.now();
    const tell = (result: string) =>
      world.stderr.write(`${init.method} ${url} ${result} ${(performance.now() - start).toFixed(0)} ms\n`);
    try {
      const reply = await fetch(url, init);
      tell(`${reply.status} ${reply.headers.get('x-openstack-request-id') ?? ''}`.trim());
      return reply;
    } catch (error) {
      tell(String(error));
      throw error;
    }
  };
}
