/**
 * The executable `berth-cni`: reads the call, asks the agent, prints one JSON text on stdout.
 *
 * Everything that takes thought happens in the agent, which keeps the kernel's sockets open and knows what is wanted; here
 * only start-up time counts. A deletion that finds no agent is kept on disk and succeeds; `STATUS` then answers 50.
 */
import { CniFailure, type CniJson, type CniRequest, type CniResult, cniCode } from '../../../wire/cni.ts';
import { askAgent, keepForLater, NoAgent } from './ask.ts';
import { type Call, parseCall, parseConfig, type Variables, versionOf } from './call.ts';
import { type Ipam, ipamOf } from './ipam.ts';
import { newestVersion, supportedVersions, toVersion } from './versions.ts';

export interface Surroundings {
  readonly variables: Variables;
  readStdin(): Promise<string>;
  print(text: string): void;
  complain(text: string): void;
}

const defaultStateDir = '/var/lib/berth';

/** The exit code. */
export async function main(world: Surroundings): Promise<number> {
  const { variables } = world;
  if (!variables.CNI_COMMAND) {
    world.complain(
      `berth-cni: a CNI plugin of Berth\nCNI protocol versions supported: ${supportedVersions.join(', ')}`,
    );
    return 0;
  }
  if (variables.CNI_COMMAND === 'VERSION') {
    world.print(JSON.stringify({ cniVersion: newestVersion, supportedVersions }));
    return 0;
  }
  let input = '';
  try {
    const call = parseCall(variables);
    input = await world.readStdin().catch((error: Error) => {
      throw new CniFailure(cniCode.ioFailure, `cannot read stdin: ${error.message}`);
    });
    const config = parseConfig(input, call.verb);
    const result = await perform(call, config, ipamOf(config, call, variables));
    if (result) world.print(JSON.stringify(toVersion(result, config.cniVersion)));
    return 0;
  } catch (error) {
    const failure =
      error instanceof CniFailure
        ? error
        : new CniFailure(999, error instanceof Error ? error.message : String(error));
    world.print(JSON.stringify({ cniVersion: versionOf(input), ...failure.toError() }));
    return 1;
  }
}

async function perform(call: Call, config: CniJson, ipam: Ipam | undefined): Promise<CniResult | undefined> {
  const stateDir = typeof config.stateDir === 'string' ? config.stateDir : defaultStateDir;
  const { path: _, ...rest } = call;
  const request = { ...rest, config, ipam: null };
  if (call.verb === 'ADD') return add(stateDir, request, ipam);
  // What the IPAM plugin says does not keep ours from being taken down; it is told afterwards.
  const told = await ipam?.run().catch((error: unknown) => error);
  try {
    await ask(stateDir, request);
  } catch (error) {
    if (!(error instanceof NoAgent)) throw error;
    if (call.verb !== 'DEL') throw notAvailable(error);
    await keepForLater(stateDir, request);
  }
  if (told instanceof Error) throw told;
  return undefined;
}

async function add(stateDir: string, request: CniRequest, ipam: Ipam | undefined): Promise<CniResult> {
  const given = ipam ? await ipam.run() : null;
  try {
    const result = await ask(stateDir, { ...request, ipam: given });
    if (result) return result;
    throw new CniFailure(cniCode.refused, 'the agent answered without a result');
  } catch (error) {
    await ipam?.run('DEL').catch(() => undefined);
    throw error instanceof NoAgent ? notAvailable(error) : error;
  }
}

async function ask(stateDir: string, request: CniRequest): Promise<CniResult | null> {
  const reply = await askAgent(stateDir, request);
  if ('result' in reply) return reply.result;
  throw new CniFailure(reply.error.code, reply.error.msg, reply.error.details);
}

function notAvailable({ message }: NoAgent): CniFailure {
  return new CniFailure(
    cniCode.notAvailable,
    'Berth is not running on this host: start it (berth up)',
    message,
  );
}
