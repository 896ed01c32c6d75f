/**
 * Sandboxes, and endpoints joining and leaving them.
 *
 * A sandbox is a network namespace (or the host's own). Joining takes the link that the driver names into it, with the
 * endpoint's addresses; the gateway is elected anew at each join and leave. Joins and leaves of one sandbox come in turn.
 */
import { settleAll, type Undo, undoable } from '../base/undo.ts';
import type { KernelStep } from '../host/kernel.ts';
import { handOverSteps, type SandboxInterface } from '../host/sandbox-interface.ts';
import type { CnmEndpoint, CnmJoin, CnmNetwork, CnmSandbox, CnmSandboxDraft } from '../model/cnm.ts';
import { Failure } from '../model/failure.ts';
import { type Context, newId } from './context.ts';
import type { Driver } from './driver.ts';
import { electGateways, type Joined } from './election.ts';
import type { Endpoints } from './endpoints.ts';

/** Told whenever the names of endpoints on a network changed. */
export type OnNames = (networkIds: readonly string[]) => Promise<void>;

const folder = '/run/netns';

export class Sandboxes {
  readonly #context: Context;
  readonly #endpoints: Endpoints;
  readonly #onNames: OnNames;

  constructor(context: Context, endpoints: Endpoints, onNames: OnNames) {
    this.#context = context;
    this.#endpoints = endpoints;
    this.#onNames = onNames;
  }

  create({ name, hostname = name, isHost = false }: CnmSandboxDraft): Promise<CnmSandbox> {
    const { sandboxes, inTurn, log } = this.#context;
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/.test(name)) {
      throw new Failure(
        'invalid-value',
        `sandbox name ${JSON.stringify(name)}: expected letters, digits, "_", "." and "-"`,
      );
    }
    return inTurn.run('sandboxes', () => {
      if (sandboxes.all().some((each) => each.name === name)) {
        throw new Failure('conflict', `sandbox with name ${name} already exists`);
      }
      return undoable(log, async (undo) => {
        const id = newId();
        const netns = isHost ? null : `cnm-${id.slice(0, 12)}`;
        const sandbox: CnmSandbox = { id, name, netns, hostname, state: 'creating' };
        undo.add('remove the sandbox', () => this.finishDeletion(sandbox));
        await sandboxes.put(sandbox);
        await this.#ensureNamespace(sandbox);
        return sandboxes.put({ ...sandbox, state: 'ready' });
      });
    });
  }

  /** Leaves and deletes its endpoints. */
  delete(id: string): Promise<void> {
    const { sandboxes, inTurn } = this.#context;
    return inTurn.run(id, async () => {
      await this.finishDeletion(await sandboxes.change(id, { state: 'deleting' }));
    });
  }

  async finishDeletion(sandbox: CnmSandbox): Promise<void> {
    const { sandboxes, endpoints, kernel } = this.#context;
    for (const endpoint of this.endpointsOf(sandbox.id)) {
      await this.finishLeave(endpoint);
      await this.#endpoints.finishDeletion(endpoints.get(endpoint.id));
    }
    if (sandbox.netns !== null) await kernel.apply([{ do: 'delete-netns', name: sandbox.netns }]);
    await sandboxes.remove(sandbox.id);
  }

  async join(endpointId: string, sandboxId: string, priority = 0): Promise<CnmEndpoint> {
    const { inTurn, log } = this.#context;
    const joined = await inTurn.run(sandboxId, () =>
      undoable(log, (undo) => this.#join({ endpointId, sandboxId, priority }, undo)),
    );
    await this.#onNames([joined.networkId]);
    return joined;
  }

  async leave(endpointId: string, sandboxId: string): Promise<void> {
    const { endpoints, inTurn } = this.#context;
    const endpoint = endpoints.get(endpointId);
    await inTurn.run(sandboxId, async () => {
      const current = endpoints.get(endpointId);
      if (current.sandboxId !== sandboxId) {
        throw new Failure('conflict', `endpoint ${current.name} is not in sandbox ${sandboxId}`);
      }
      await this.finishLeave(current);
      await this.#elect(sandboxId);
    });
    await this.#onNames([endpoint.networkId]);
  }

  endpointsOf(sandboxId: string): CnmEndpoint[] {
    return this.#context.endpoints.all().filter((endpoint) => endpoint.sandboxId === sandboxId);
  }

  /** Puts back what a restart of the machine took: namespace, interfaces, gateway. What is there is left alone. */
  async restore(sandbox: CnmSandbox): Promise<void> {
    const { drivers, networks, endpoints, kernel } = this.#context;
    await this.#ensureNamespace(sandbox);
    const present = sandbox.netns === null ? [] : (await kernel.links(sandbox.netns)).map(({ name }) => name);
    for (const endpoint of this.endpointsOf(sandbox.id)) {
      if (endpoint.interfaceName !== null && present.includes(endpoint.interfaceName)) continue;
      const network = networks.get(endpoint.networkId);
      const join = await (await drivers.get(network.driver)).join(network, endpoint, keyOf(sandbox));
      const interfaceName =
        join.link && (endpoint.interfaceName ?? this.#freeName(sandbox, join.link.prefix));
      await this.#populate(sandbox, await endpoints.change(endpoint.id, { join, interfaceName }));
    }
    await this.#elect(sandbox.id);
  }

  /** Takes the endpoint out of its sandbox, whatever of it is there. */
  async finishLeave(endpoint: CnmEndpoint): Promise<void> {
    const { drivers, networks, endpoints, sandboxes, log } = this.#context;
    const network = networks.get(endpoint.networkId);
    const sandbox = endpoint.sandboxId === null ? undefined : sandboxes.get(endpoint.sandboxId);
    const driver = await drivers.get(network.driver);
    await settleAll(`leave of endpoint ${endpoint.id}`, [
      ['revoke', async () => isProgrammed(endpoint) && (await driver.revoke(network, endpoint))],
      ['take the interface out', () => this.#depopulate(sandbox, endpoint)],
      ['driver', () => driver.leave(network, endpoint)],
    ]).catch((error: unknown) =>
      log.warn({ endpoint: endpoint.id, error }, 'an endpoint was not left cleanly'),
    );
    await endpoints.change(endpoint.id, {
      sandboxId: null,
      join: null,
      interfaceName: null,
      bindings: [],
      isProgrammed: false,
      priority: 0,
    });
  }

  async #join(
    {
      endpointId,
      sandboxId,
      priority,
    }: { readonly endpointId: string; readonly sandboxId: string; readonly priority: number },
    undo: Undo,
  ): Promise<CnmEndpoint> {
    const { drivers, networks, endpoints, sandboxes } = this.#context;
    const sandbox = sandboxes.get(sandboxId);
    const endpoint = endpoints.get(endpointId);
    const network = networks.get(endpoint.networkId);
    refuseUnfit(sandbox, endpoint, network);
    undo.add('leave again', async () => {
      await this.finishLeave(endpoints.get(endpointId));
      await this.#elect(sandboxId);
    });
    await endpoints.change(endpointId, { sandboxId, priority });
    const join = await (await drivers.get(network.driver)).join(network, endpoint, keyOf(sandbox));
    const interfaceName = join.link && this.#freeName(sandbox, join.link.prefix);
    const joined = await endpoints.change(endpointId, { join, interfaceName });
    await this.#populate(sandbox, joined);
    await this.#elect(sandboxId);
    return endpoints.get(endpointId);
  }

  #freeName({ id }: CnmSandbox, prefix: string): string {
    const taken = new Set(this.endpointsOf(id).map(({ interfaceName }) => interfaceName));
    for (let index = 0; ; index += 1) if (!taken.has(`${prefix}${index}`)) return `${prefix}${index}`;
  }

  async #ensureNamespace({ netns }: CnmSandbox): Promise<void> {
    if (netns === null) return;
    await this.#context.kernel.apply([
      { do: 'ensure-netns', name: netns },
      { do: 'set-link', netns, name: 'lo', up: true },
    ]);
  }

  async #populate({ netns }: CnmSandbox, endpoint: CnmEndpoint): Promise<void> {
    const { join, interfaceName: name } = endpoint;
    if (netns === null || !join?.link || name === null) return;
    await this.#context.kernel.apply(handOverSteps(netns, join.link.name, interfaceOf(endpoint, join, name)));
  }

  /** The link goes back to where it came from, under its old name: the driver deletes it, or it is joined again. */
  async #depopulate(sandbox: CnmSandbox | undefined, { join, interfaceName }: CnmEndpoint): Promise<void> {
    const { kernel } = this.#context;
    if (!sandbox?.netns || !join?.link || interfaceName === null) return;
    if (!(await kernel.namespaces()).includes(sandbox.netns)) return;
    const links = await kernel.links(sandbox.netns);
    if (!links.some(({ name }) => name === interfaceName)) return;
    await kernel.apply([
      { do: 'move-link', netns: sandbox.netns, name: interfaceName, to: { name: join.link.name } },
    ]);
  }

  /** Default routes by the elected endpoints. The gateway's driver lets the outside in (libnetwork, endpoint.go), and only that. */
  async #elect(sandboxId: string): Promise<void> {
    const { networks, endpoints, sandboxes, drivers, kernel } = this.#context;
    const { netns } = sandboxes.get(sandboxId);
    if (netns === null) return;
    const joined: Joined[] = this.endpointsOf(sandboxId)
      .filter(({ join }) => join !== null)
      .map((endpoint) => ({ endpoint, network: networks.get(endpoint.networkId) }));
    const elected = electGateways(joined);
    await kernel.apply(gatewaySteps(netns, elected));
    const gateway = elected.v4 ?? elected.v6;
    for (const { endpoint, network } of joined) {
      const isGateway = endpoint.id === gateway?.endpoint.id;
      const driver = await drivers.get(network.driver);
      if (isGateway === isProgrammed(endpoint)) continue;
      if (isGateway) await this.#program(driver, network, endpoint);
      else {
        await driver.revoke(network, endpoint);
        await endpoints.change(endpoint.id, { bindings: [], isProgrammed: false });
      }
    }
  }

  /** Noted before it is done: what was half done is revoked when the endpoint leaves. */
  async #program(driver: Driver, network: CnmNetwork, { id }: CnmEndpoint): Promise<void> {
    const { endpoints } = this.#context;
    const endpoint = await endpoints.change(id, { isProgrammed: true });
    try {
      await endpoints.change(id, { bindings: await driver.program(network, endpoint) });
    } catch (error) {
      await driver.revoke(network, endpoint).catch(() => undefined);
      await endpoints.change(id, { bindings: [], isProgrammed: false });
      throw error;
    }
  }
}

/** Records from before this was kept tell it by their bindings. */
function isProgrammed({ isProgrammed: known, bindings }: CnmEndpoint): boolean {
  return (known as boolean | undefined) ?? bindings.length > 0;
}

/** Path of the sandbox's namespace; empty = the host's own. */
export function keyOf({ netns }: CnmSandbox): string {
  return netns === null ? '' : `${folder}/${netns}`;
}

function refuseUnfit(sandbox: CnmSandbox, endpoint: CnmEndpoint, network: CnmNetwork): void {
  if (endpoint.sandboxId !== null) {
    throw new Failure(
      'endpoint-in-use',
      `endpoint ${endpoint.name}: another container is attached to the same network endpoint`,
    );
  }
  if ((network.driver === 'host') === (sandbox.netns === null)) return;
  throw new Failure(
    'invalid',
    network.driver === 'host'
      ? `sandbox ${sandbox.name} has a namespace of its own: only a sandbox of the host can join a host network`
      : `sandbox ${sandbox.name} is the host's own namespace: it can join host networks only`,
  );
}

function interfaceOf(endpoint: CnmEndpoint, { routes }: CnmJoin, name: string): SandboxInterface {
  return {
    name,
    ...(endpoint.macAddress === null ? {} : { macAddress: endpoint.macAddress }),
    addresses: [endpoint.address, endpoint.address6].filter((address) => address !== null),
    routes: routes.map(({ destination: to, nexthop }) => (nexthop === null ? { to } : { to, via: nexthop })),
  };
}

function gatewaySteps(netns: string, { v4, v6 }: ReturnType<typeof electGateways>): KernelStep[] {
  const step = (to: string, joined: Joined | undefined, via: string | null | undefined): KernelStep =>
    joined?.endpoint.interfaceName && via
      ? { do: 'ensure-route', netns, to, via, link: joined.endpoint.interfaceName }
      : { do: 'delete-route', netns, to };
  return [step('0.0.0.0/0', v4, v4?.endpoint.join?.gateway), step('::/0', v6, v6?.endpoint.join?.gateway6)];
}
