/** Queries for routers. Interfaces and the gateway are ports whose device is the router. */
import type { Uuid } from '../../model/ids.ts';
import {
  type HostRoute,
  type PortAddress,
  type Router,
  routerGatewayOwner,
  routerInterfaceOwner,
} from '../../model/network.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import {
  bit,
  commonOf,
  commonRow,
  everything,
  groupBy,
  inPieces,
  matching,
  type Scope,
  tagsOf,
  type Where,
} from './common.ts';
import type { RouterRow } from './tables.ts';

export async function findRouters(
  db: DbOrTrx,
  scope: Scope,
  where: Where<RouterRow> = {},
): Promise<Router[]> {
  let query = db
    .selectFrom('routers')
    .selectAll()
    .where((eb) => matching(eb, 'routers', where));
  if (scope.kind === 'project') query = query.where('project_id', '=', scope.projectId);
  const rows = await query.orderBy('created_at').orderBy('id').execute();
  const ids = rows.map((row) => row.id);
  const [tags, gatewayIps] = [await tagsOf(db, ids), await gatewayIpsOf(db, ids)];
  return rows.map((row) => ({
    ...commonOf(row, tags),
    adminStateUp: row.admin_state_up === 1,
    externalNetworkId: row.external_network_id,
    enableSnat: row.enable_snat === 1,
    gatewayIps: gatewayIps.get(row.id) ?? [],
    routes: JSON.parse(row.routes) as HostRoute[],
    zoneHints: JSON.parse(row.availability_zone_hints) as string[],
  }));
}

export async function findRouter(
  db: DbOrTrx,
  id: Uuid,
  scope: Scope = everything,
): Promise<Router | undefined> {
  return (await findRouters(db, scope, { id: [id] }))[0];
}

export async function insertRouter(trx: Trx, router: Router): Promise<void> {
  await trx.insertInto('routers').values(toRow(router)).execute();
}

export async function updateRouter(trx: Trx, router: Router): Promise<void> {
  await trx.updateTable('routers').set(toRow(router)).where('id', '=', router.id).execute();
}

/** Its ports must be gone before. */
export async function deleteRouter(trx: Trx, id: Uuid): Promise<void> {
  await trx.deleteFrom('network_tags').where('resource_id', '=', id).execute();
  await trx.deleteFrom('routers').where('id', '=', id).execute();
}

/** An interface came, went or changed: the router's revision tells. */
export async function touchRouter(trx: Trx, id: Uuid, now: string): Promise<void> {
  await trx
    .updateTable('routers')
    .set((eb) => ({ revision: eb('revision', '+', 1), updated_at: now }))
    .where('id', '=', id)
    .execute();
}

export interface Connection {
  readonly routerId: Uuid;
  /** The router's address on the subnet. */
  readonly address: string;
}

/** Routers that connect the subnet with the external network, oldest first, whosever they are. */
export async function connectionsOf(
  db: DbOrTrx,
  subnetId: Uuid,
  externalNetworkId: Uuid,
): Promise<Connection[]> {
  return db
    .selectFrom('ports')
    .innerJoin('fixed_ips', 'fixed_ips.port_id', 'ports.id')
    .innerJoin('routers', 'routers.id', 'ports.device_id')
    .select(['routers.id as routerId', 'fixed_ips.ip_address as address'])
    .where('ports.device_owner', '=', routerInterfaceOwner)
    .where('fixed_ips.subnet_id', '=', subnetId)
    .where('routers.external_network_id', '=', externalNetworkId)
    .orderBy('routers.created_at')
    .orderBy('routers.id')
    .execute();
}

async function gatewayIpsOf(db: DbOrTrx, routerIds: readonly Uuid[]): Promise<Map<Uuid, PortAddress[]>> {
  const rows = await inPieces(routerIds, (piece) =>
    db
      .selectFrom('ports')
      .innerJoin('fixed_ips', 'fixed_ips.port_id', 'ports.id')
      .select(['ports.device_id', 'fixed_ips.subnet_id', 'fixed_ips.ip_address'])
      .where('ports.device_owner', '=', routerGatewayOwner)
      .where('ports.device_id', 'in', piece)
      .orderBy('fixed_ips.position')
      .execute(),
  );
  return groupBy(
    rows,
    (row) => row.device_id,
    (row) => ({ subnetId: row.subnet_id, ipAddress: row.ip_address }),
  );
}

function toRow(router: Router): RouterRow {
  return {
    ...commonRow(router),
    admin_state_up: bit(router.adminStateUp),
    external_network_id: router.externalNetworkId,
    enable_snat: bit(router.enableSnat),
    routes: JSON.stringify(router.routes),
    availability_zone_hints: JSON.stringify(router.zoneHints),
  };
}
