/**
 * The network service as a machine sees it whose containers' ports hang on its own port: a port is attached before a device
 * uses it, and detached before it is freed or removed. Who uses this service need not know of it.
 *
 * Neutron gives sub-ports an owner of its own; here those of Docker's endpoints have Kuryr's. Ports made here say in their
 * description whose they are.
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
  readonly log: Log;
}

/** What ports made on this machine say of themselves. */
export function descriptionOf({ machine }: Attachment): string {
  return `Container of port ${machine.id}`;
}

export function nestedService({ service, attachment, log }: NestedServiceOptions): NetworkService {
  const description = descriptionOf(attachment);
  const show = (port: PortView): PortView =>
    port.device_owner === subPortOwner &&
    (port.description === description || endpointId.test(port.device_id))
      ? { ...port, device_owner: kuryrPortOwner }
      : port;
  const shown = <R extends NetworkResource>(resource: R, row: ResourceViews[R]): ResourceViews[R] =>
    resource === 'ports' ? (show(row as unknown as PortView) as unknown as ResourceViews[R]) : row;

  const take = (id: string, body: JsonObject): Promise<PortView> =>
    undoable(log, async (undo) => {
      const port = await service.get('ports', id);
      const mac = typeof body.mac_address === 'string' ? body.mac_address : port.mac_address;
      const used = { ...port, mac_address: mac };
      undo.add(`detach port ${id}`, () => attachment.detach(used));
      // One that has a device already is attached, and Neutron refuses to do it again.
      await attachment.attach(used);
      return service.update('ports', id, body);
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
      const rows = (await service.list(resource, wider)).map((row) => shown(resource, row));
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
      if (body.device_id === '') await free(id);
      const port = await (body.device_id === '' ? service.update('ports', id, body) : take(id, body));
      return shown(resource, port as unknown as ResourceViews[R]);
    },
    async remove(resource, id) {
      if (resource === 'ports') await free(id);
      await service.remove(resource, id);
    },
  };
}
