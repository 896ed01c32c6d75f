/**
 * What hosts may ask of the network service. Who asks is known from the bus, never from the message: a host learns
 * only its own dataplane and reports only its own ports.
 *
 * `networkServiceRequest` lets Kuryr on a host work with networks in the name of one configured project. There a
 * port is bound to the asking host whatever the body says, and a port bound to another host cannot be touched.
 */
import type { Bus, CallContext } from '../../bus/bus.ts';
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import { setPortStatus } from '../../store/network/ports.ts';
import type { RequestOf } from '../../wire/call.ts';
import { reportPorts, wantedNetworks } from '../../wire/host-network.ts';
import { networkServiceRequest } from '../../wire/network-service.ts';
import type { NetworkContext } from './context.ts';
import { createPorts, refuseForeign } from './ports.ts';
import type { Query } from './resource/query.ts';
import { createResources, type Session } from './resource/resources.ts';
import type { UseCases } from './use-cases.ts';
import { wantedOn } from './wanted.ts';

/** The caller in whose name hosts act: a member of the Kuryr project. */
export type KuryrCaller = () => Promise<Caller>;

export interface HostCalls {
  readonly context: NetworkContext;
  readonly useCases: UseCases;
  readonly bus: Bus;
  readonly kuryrCaller: KuryrCaller;
}

export function serveHosts(calls: HostCalls): void {
  const { bus, context } = calls;
  bus.serve(wantedNetworks, async ({ ids }, from) => ({
    networks: await wantedOn(context, hostOf(from), ids),
  }));
  bus.serve(reportPorts, async ({ active, down }, from) => {
    const host = hostOf(from);
    await setPortStatus(context.db, host, active, 'ACTIVE');
    await setPortStatus(context.db, host, down, 'DOWN');
    return {};
  });
  bus.serve(networkServiceRequest, async (request, from) => ({
    result: await answer(calls, hostOf(from), request),
  }));
}

function hostOf({ from }: CallContext): string {
  if (from.kind === 'agent') return from.host;
  throw new Failure('policy-not-authorized', `Only hosts may ask this, not a ${from.kind}.`);
}

type Request = RequestOf<typeof networkServiceRequest>;

/** Neutron's requests as that host may make them. */
async function answer(calls: HostCalls, host: string, request: Request): Promise<unknown> {
  const { context, useCases } = calls;
  const { method, resource, id = '', tag = '', query = {}, body = {} } = request;
  const caller = await calls.kuryrCaller();
  const session: Session = { caller, showAll: true };
  const ports = createPorts(context, host);
  const resources = createResources(context, { ...useCases, ports });
  switch (method) {
    case 'list':
      return (await resources.list(session, resource, toQuery(query))).items;
    case 'get':
      return resources.get(session, resource, id);
    case 'create':
      return (await resources.create(session, resource, [body]))[0];
    case 'update':
      return resources.update(session, resource, id, body);
    case 'remove':
      return ignoringAbsence(resources.remove(session, resource, id));
    case 'add-tag':
    case 'remove-tag': {
      if (resource === 'ports') refuseForeign(await ports.get(caller, id), host);
      const writer = adopts(resource) ? await adopter(resources, session, { resource, id }) : caller;
      return method === 'add-tag'
        ? resources.tags.add(writer, resource, id, tag)
        : ignoringAbsence(resources.tags.remove(writer, resource, id, tag));
    }
    case 'forward':
      await resources.portForwardingsOf(id).create(session, [body]);
      return null;
    case 'unforward': {
      const forwardings = resources.portForwardingsOf(id);
      for (const { id: each } of (await forwardings.list(session, {})).items) {
        await ignoringAbsence(forwardings.remove(session, String(each)));
      }
      return null;
    }
  }
}

const adopts = (resource: Request['resource']) => resource === 'networks' || resource === 'subnets';

/**
 * Who notes on a network or subnet that it is used as one of Docker's: also on what another project shares with ours,
 * as Kuryr, a service of the cloud, does in Neutron. Nothing but tags; what the project cannot see is not found.
 */
async function adopter(
  resources: ReturnType<typeof createResources>,
  session: Session,
  { resource, id }: { readonly resource: Request['resource']; readonly id: string },
): Promise<Caller> {
  await resources.get(session, resource, id);
  const { caller } = session;
  return { ...caller, roles: [...caller.roles, 'admin'], isAdmin: true };
}

/** Hosts repeat themselves after a crash: what is gone already counts as removed. */
async function ignoringAbsence(removal: Promise<unknown>): Promise<null> {
  await removal.catch((error: unknown) => {
    if (!(error instanceof Failure && error.status === 404)) throw error;
  });
  return null;
}

function toQuery(query: NonNullable<Request['query']>): Query {
  return Object.fromEntries(
    Object.entries(query).map(([key, value]) => [key, typeof value === 'string' ? [value] : value]),
  );
}
