/** The daemon's end of `berth cnm` (wire/cnm.ts): each verb as a call of the controller. */
import { type LineAnswer, type LineSocket, openLineSocket } from '../base/line-socket.ts';
import type { Log } from '../base/log.ts';
import type { CnmEndpoint } from '../model/cnm.ts';
import { Failure, type FailureCode, isFailure } from '../model/failure.ts';
import type {
  CnmCalls,
  CnmEndpointRef,
  CnmEndpointView,
  CnmReply,
  CnmRequest,
  CnmStatus,
  CnmVerb,
} from '../wire/cnm.ts';
import type { Controller } from './controller.ts';
import { toPools } from './pools.ts';

export interface CnmServiceOptions {
  readonly path: string;
  readonly controller: Controller;
  readonly log: Log;
  readonly status: () => Omit<CnmStatus, 'networks' | 'endpoints' | 'sandboxes'>;
  /** Called once per `stop` that arrives; must return at once. */
  readonly stop: () => void;
}

const mostBytes = 1 << 20;

export function openCnmService(options: CnmServiceOptions): Promise<LineSocket> {
  const { path, log, stop } = options;
  const verbs = verbsOf(options);
  return openLineSocket({
    path,
    mostBytes,
    log,
    answer: async (line): Promise<LineAnswer> => {
      const reply = await answer(line, verbs, log);
      const isStop = 'answer' in reply && line.includes('"verb":"stop"');
      return isStop ? { reply, keep: stop } : { reply };
    },
  });
}

type Verbs = {
  readonly [Verb in CnmVerb]: (ask: CnmCalls[Verb]['ask']) => Promise<CnmCalls[Verb]['answer']>;
};

async function answer(line: string, verbs: Verbs, log: Log): Promise<CnmReply> {
  try {
    const { verb, ask } = parseRequest(line, verbs);
    return { answer: await (verbs[verb] as (ask: object) => Promise<never>)(ask) };
  } catch (error) {
    if (isFailure(error)) return refusal(error.code, error.message);
    log.error({ error }, 'a call of berth cnm failed');
    return refusal('internal', 'internal error of berth cnm serve; its log has more');
  }
}

function refusal(code: FailureCode, message: string): CnmReply {
  return { error: { code, message } };
}

function parseRequest(line: string, verbs: Verbs): CnmRequest {
  let request: Partial<CnmRequest> | null = null;
  try {
    request = JSON.parse(line) as Partial<CnmRequest> | null;
  } catch {
    // Told below, as everything else that is no request.
  }
  const isRequest =
    typeof request?.verb === 'string' &&
    Object.hasOwn(verbs, request.verb) &&
    typeof request.ask === 'object' &&
    request.ask !== null;
  if (isRequest) return request as CnmRequest;
  throw new Failure('invalid', 'this is not a request of berth cnm');
}

function verbsOf({ controller, status }: CnmServiceOptions): Verbs {
  const network = (word: string) => controller.findNetwork(word);
  const endpoint = ({ endpoint: word, network: on }: CnmEndpointRef) =>
    controller.findEndpoint(word, on === undefined ? undefined : network(on).id);
  const own = async () => ({
    ...status(),
    networks: controller.networks().length,
    endpoints: controller.endpoints().length,
    sandboxes: controller.sandboxes().length,
  });
  const leave = async (ref: CnmEndpointRef) => {
    const { id, name, sandboxId } = endpoint(ref);
    if (sandboxId === null) throw new Failure('conflict', `endpoint ${name} is in no sandbox`);
    await controller.leave(id, sandboxId);
    return null;
  };
  const view = (one: CnmEndpoint): CnmEndpointView => ({
    ...one,
    network: network(one.networkId).name,
    sandbox: one.sandboxId === null ? null : controller.findSandbox(one.sandboxId).name,
  });
  const endpointsOn = (id: string) =>
    controller
      .endpoints()
      .filter(({ networkId }) => networkId === id)
      .map(view);
  return {
    status: own,
    stop: own,
    'network-create': ({ subnets, gateways, ranges, auxiliary, ...draft }) =>
      controller.createNetwork({ ...draft, pools: toPools({ subnets, gateways, ranges, auxiliary }) }),
    'network-list': async () => controller.networks(),
    'network-show': async (ask) => {
      const found = network(ask.network);
      return { ...found, endpoints: endpointsOn(found.id) };
    },
    'network-delete': async (ask) => {
      await controller.deleteNetwork(network(ask.network).id);
      return null;
    },
    'endpoint-create': async (ask) =>
      view(await controller.createEndpoint(network(ask.network).id, ask.draft)),
    'endpoint-list': async (ask) =>
      ask.network === undefined ? controller.endpoints().map(view) : endpointsOn(network(ask.network).id),
    'endpoint-show': async (ask) => view(endpoint(ask)),
    'endpoint-join': async (ask) =>
      view(await controller.join(endpoint(ask).id, controller.findSandbox(ask.sandbox).id, ask.priority)),
    'endpoint-leave': leave,
    'endpoint-delete': async (ask) => {
      const { id, sandboxId } = endpoint(ask);
      if (ask.force && sandboxId !== null) await leave({ endpoint: id });
      await controller.deleteEndpoint(id);
      return null;
    },
    'sandbox-create': (draft) => controller.createSandbox(draft),
    'sandbox-list': async () => controller.sandboxes(),
    'sandbox-delete': async (ask) => {
      await controller.deleteSandbox(controller.findSandbox(ask.sandbox).id);
      return null;
    },
  };
}
