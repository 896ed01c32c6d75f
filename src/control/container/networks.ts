/**
 * Networks of a container that exists: attached and detached as wanted state, whether it runs or not.
 *
 * To attach is to put an entry into the container's `nets`; the provisioner makes its port, then the agent connects. To
 * detach is to take the entry away; the agent disconnects, then the provisioner gives the port back. Either waits as
 * an operation, and one that fails puts the list back (./nic-changes.ts), so that the container ends on the
 * networks that it shows.
 */
import type { Caller } from '../../model/caller.ts';
import { assertAllowed, type ResolvedNet, type WantedNet } from '../../model/container.ts';
import type { Container } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import { shownBy } from '../../model/operation-table.ts';
import { updateContainer } from '../../store/container/containers.ts';
import { finishOperation, pendingOperations } from '../../store/container/operations.ts';
import type { Trx } from '../../store/database.ts';
import type { RequestedNet } from '../networking.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { getContainer } from './look-up.ts';
import { withGateways, withoutNet } from './nic-changes.ts';
import { assertOnHost, mustFind, queueOperation } from './operate.ts';
import type { Provisioner } from './provisioner.ts';

type NetworkingContext = ContainerContext & { readonly provisioner: Provisioner };

/** Entries of a create have small numbers; the revision grows with each attachment, so no number comes twice. */
const firstAttachedIndex = 1_000;

export async function attachNetwork(
  ctx: NetworkingContext,
  caller: Caller,
  ident: string,
  asked: RequestedNet,
): Promise<void> {
  const { uuid, projectId } = await getContainer(ctx, caller, ident, 'container:network_attach');
  const [net] = await ctx.networking.resolveNets({ ...caller, projectId }, [asked], {
    mayAttachExternal: ctx.policy.allows(caller, 'network:attach_external_network'),
  });
  if (!net) throw new Error('nothing was resolved');
  await ctx.db.transaction().execute(async (trx) => {
    const container = await mustFind(trx, uuid);
    assertAllowed('network_attach', uuid, container.status);
    assertOnHost(container);
    assertNotConnected(container, net);
    const wanted: WantedNet = { ...net, index: firstAttachedIndex + container.revision };
    await updateContainer(trx, uuid, {
      nets: [...container.nets, wanted],
      portsPhase: 'changing',
      ...shownBy('network_attach'),
      revision: container.revision + 1,
      updatedAt: nowIso(ctx),
    });
    const args = { nicIndex: wanted.index };
    await queueOperation(ctx, trx, { caller, container, verb: 'network_attach', args });
  });
  ctx.provisioner.kick(uuid);
}

function assertNotConnected({ uuid, nets }: Container, { networkId, portId }: ResolvedNet): void {
  const known = nets.find((net) => net.networkId === networkId);
  if (!known) return;
  const what =
    portId !== undefined && known.portId === portId ? `Port '${portId}'` : `Network '${networkId}'`;
  throw new Failure('invalid', `${what} is already connected to container '${uuid}'.`);
}

/** Throws `invalid` when two entries are of one network: Docker connects a container to a network once. */
export function assertDistinct(nets: readonly ResolvedNet[]): void {
  const ids = nets.map(({ networkId }) => networkId);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice === undefined) return;
  throw new Failure('invalid', `nets: network ${twice} is asked for twice, a container is on a network once`);
}

/** Which of the container's networks is meant. */
export type NetworkOrPort = { readonly network: string } | { readonly port: string };

export async function detachNetwork(
  ctx: NetworkingContext,
  caller: Caller,
  ident: string,
  asked: NetworkOrPort,
): Promise<void> {
  const { uuid, projectId } = await getContainer(ctx, caller, ident, 'container:network_detach');
  const place = await ctx.networking.locate({ ...caller, projectId }, asked);
  const host = await ctx.db.transaction().execute(async (trx) => {
    const container = await mustFind(trx, uuid);
    assertAllowed('network_detach', uuid, container.status);
    const placedOn = assertOnHost(container);
    const net = attachedNet(container, place);
    await cancelAttachment(ctx, trx, container, net);
    const { change, detached } = withoutNet(container, net);
    await updateContainer(trx, uuid, {
      ...change,
      // Without a port there is nothing to wait for; a half-made one goes at once.
      ...(detached.nic === null ? { portsPhase: 'changing' as const } : {}),
      ...shownBy('network_detach'),
      revision: container.revision + 1,
      updatedAt: nowIso(ctx),
    });
    const args = { nicIndex: net.index, detached };
    await queueOperation(ctx, trx, { caller, container, verb: 'network_detach', args });
    return placedOn;
  });
  ctx.waker.wake(host, { containers: [uuid] });
  ctx.provisioner.kick(uuid);
}

/** From now on the container's default routes go through this network, as far as it has gateways. */
export async function chooseGateway(
  ctx: ContainerContext,
  caller: Caller,
  ident: string,
  asked: NetworkOrPort,
): Promise<void> {
  const { uuid, projectId } = await getContainer(ctx, caller, ident, 'container:network_attach');
  const place = await ctx.networking.locate({ ...caller, projectId }, asked);
  const host = await ctx.db.transaction().execute(async (trx) => {
    const container = await mustFind(trx, uuid);
    assertAllowed('default_gateway', uuid, container.status);
    const placedOn = assertOnHost(container);
    const { index } = attachedNet(container, place);
    await updateContainer(trx, uuid, {
      ...withGateways(container, [index]),
      revision: container.revision + 1,
      updatedAt: nowIso(ctx),
    });
    const before = container.nets.filter(({ defaultGateway }) => defaultGateway);
    const args = { nicIndex: index, gatewaysBefore: before.map((net) => net.index) };
    await queueOperation(ctx, trx, { caller, container, verb: 'default_gateway', args });
    return placedOn;
  });
  ctx.waker.wake(host, { containers: [uuid] });
}

/** Throws `invalid` in Zun's words. */
function attachedNet(
  { uuid, nets, nics }: Container,
  { networkId, portId }: { readonly networkId: string; readonly portId?: string },
): WantedNet {
  const index = portId === undefined ? undefined : nics.find((nic) => nic.portId === portId)?.index;
  const net = nets.find((each) =>
    portId === undefined
      ? each.networkId === networkId
      : each.portId === portId || (index !== undefined && each.index === index),
  );
  if (net) return net;
  const what = portId === undefined ? `Network '${networkId}'` : `Port '${portId}'`;
  throw new Failure('invalid', `${what} is not attached to container '${uuid}'.`);
}

/** An attachment that has not ended when its network is detached again ends here. */
async function cancelAttachment(
  ctx: ContainerContext,
  trx: Trx,
  { uuid }: Container,
  { index }: WantedNet,
): Promise<void> {
  for (const { id, verb, args } of await pendingOperations(trx, [uuid])) {
    if (verb !== 'network_attach' || args.nicIndex !== index) continue;
    const message = 'The network was detached before this was done.';
    await finishOperation(trx, id, { result: 'Error', message, at: nowIso(ctx) });
  }
}
