/**
 * The network service as a machine sees it whose containers' ports hang on its own port: a port is attached before a device
 * uses it, and detached before it is freed or removed. Who uses this service need not know of it.
 *
 * Neutron gives sub-ports an owner of its own, and a user who is no administrator is not told of hosts; here the machine's
 * ports have Kuryr's owner, and the machine is their host. Those made here say in their description whose they are.
 */
import type { Log } from '../../base/log.ts';
import { undoable } from '../../base/undo.ts';
import { kuryrPortOwner } from '../../model/network.ts';
import type {
  JsonObject,
  ListQuery,
  NetworkResource,
  NetworkService,
  PortView,
  ResourceViews,
} from '../../wire/network-service.ts';
import type { Attachment } from './attachment.ts';

const subPortOwner = 'trunk:subport';
const endpointId = /^[0-9a-f]{64}$/;

export interface NestedServiceOptions {
  /** One that binds no ports to a host. */
  readonly service: NetworkService;
  readonly attachment: Attachment;
  /** This machine's name. */
  readonly host: string;
  readonly log: Log;
}

export function nestedService({ service, attachment, host, log }: NestedServiceOptions): NetworkService {
  const description = `Container of port ${attachment.machine.id}`;
  const isHere = async (port: PortView) =>
    port.description === description || (endpointId.test(port.device_id) && (await attachment.has(port)));
  const show = async (port: PortView): Promise<PortView> => {
    if (!(await isHere(port))) return port;
    const owner = port.device_owner === subPortOwner ? kuryrPortOwner : port.device_owner;
    return { ...port, device_owner: owner, 'binding:host_id': host };
  };
  const shown = async <R extends NetworkResource>(
    resource: R,
    row: ResourceViews[R],
  ): Promise<ResourceViews[R]> =>
    resource === 'ports' ? ((await show(row as unknown as PortView)) as unknown as ResourceViews[R]) : row;

  const take = (id: string, body: JsonObject): Promise<PortView> =>
    undoable(log, async (undo) => {
      const port = await service.get('ports', id);
      const { mac_address: mac, ...rest } = body;
      const isNew = typeof mac === 'string' && mac !== port.mac_address.toLowerCase();
      const used = isNew ? { ...port, mac_address: mac } : port;
      if (!port.device_id) undo.add(`detach port ${id}`, () => attachment.detach(used));
      await attachment.attach(used);
      // Only an administrator may even repeat the address that the port has.
      return service.update('ports', id, isNew ? body : rest);
    });

  const makeTaken = (body: JsonObject): Promise<PortView> =>
    undoable(log, async (undo) => {
      const { device_id, ...rest } = body;
      const port = await service.create('ports', { ...rest, description });
      undo.add(`remove port ${port.id}`, () => service.remove('ports', port.id));
      return take(port.id, { device_id: device_id ?? '' });
    });

  const free = async (id: string): Promise<void> => {
    const [port] = await service.list('ports', { id });
    if (port) await attachment.detach(port);
  };

  return {
    ...service,
    async list<R extends NetworkResource>(resource: R, query: ListQuery) {
      const isOfKuryr = resource === 'ports' && query.device_owner === kuryrPortOwner;
      const wider = isOfKuryr ? { ...query, device_owner: [kuryrPortOwner, subPortOwner] } : query;
      const found = await service.list(resource, wider);
      const rows = await Promise.all(found.map((row) => shown(resource, row)));
      return isOfKuryr ? rows.filter((row) => row.device_owner === kuryrPortOwner) : rows;
    },
    async get<R extends NetworkResource>(resource: R, id: string) {
      return shown(resource, await service.get(resource, id));
    },
    async create<R extends NetworkResource>(resource: R, body: JsonObject) {
      if (resource === 'networks') attachment.checkNewNetwork?.();
      if (resource !== 'ports') return service.create(resource, body);
      const isTaken = typeof body.device_id === 'string' && body.device_id !== '';
      const port = await (isTaken ? makeTaken(body) : service.create('ports', { ...body, description }));
      return shown(resource, port as unknown as ResourceViews[R]);
    },
    async update<R extends NetworkResource>(resource: R, id: string, body: JsonObject) {
      if (resource !== 'ports' || typeof body.device_id !== 'string') {
        return shown(resource, await service.update(resource, id, body));
      }
      // The host is that of the machine, which is not for its own user to say.
      const { 'binding:host_id': _, ...rest } = body;
      if (body.device_id === '') await free(id);
      const port = await (body.device_id === '' ? service.update('ports', id, rest) : take(id, rest));
      return shown(resource, port as unknown as ResourceViews[R]);
    },
    async remove(resource, id) {
      if (resource === 'ports') await free(id);
      await service.remove(resource, id);
    },
  };
}
