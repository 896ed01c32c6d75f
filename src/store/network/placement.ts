/**
 * Which networks are wanted on which hosts, and who is a member of which group.
 *
 * A network is wanted on a host when one of its ports is bound there, or when a router connects it with such a
 * network: the router runs on that host and needs an interface on every network it connects.
 */
import type { Uuid } from '../../model/ids.ts';
import { routerGatewayOwner, routerInterfaceOwner } from '../../model/network.ts';
import type { DbOrTrx } from '../database.ts';
import { inPieces } from './common.ts';

export interface Placement {
  readonly host: string;
  readonly networkId: Uuid;
}

/** Networks wanted on the host. */
export async function networksWantedOn(db: DbOrTrx, host: string): Promise<Uuid[]> {
  const bound = db.selectFrom('ports').select('network_id').where('binding_host', '=', host);
  const rows = await bound
    .union(connected(db).select('theirs.network_id as network_id').where('ours.network_id', 'in', bound))
    .execute();
  return rows.map((row) => row.network_id);
}

/** Hosts that any port is bound to. */
export async function hostsWithPorts(db: DbOrTrx): Promise<string[]> {
  const rows = await db
    .selectFrom('ports')
    .select('binding_host')
    .distinct()
    .where('binding_host', '!=', '')
    .orderBy('binding_host')
    .execute();
  return rows.map((row) => row.binding_host);
}

/** Hosts on which any of the networks is wanted, with the network. */
export async function placementsOf(db: DbOrTrx, networkIds: readonly Uuid[]): Promise<Placement[]> {
  return inPieces(networkIds, async (piece) => {
    const rows = await db
      .selectFrom('ports')
      .select(['binding_host', 'network_id'])
      .where('binding_host', '!=', '')
      .where('network_id', 'in', piece)
      .union(
        connected(db)
          .innerJoin('ports as bound', 'bound.network_id', 'theirs.network_id')
          .select(['bound.binding_host as binding_host', 'ours.network_id as network_id'])
          .where('bound.binding_host', '!=', '')
          .where('ours.network_id', 'in', piece),
      )
      .execute();
    return rows.map(toPlacement);
  });
}

/** Routers with an interface or their gateway on one of the networks. */
export async function routersAtNetworks(db: DbOrTrx, networkIds: readonly Uuid[]): Promise<Uuid[]> {
  return inPieces(networkIds, async (piece) => {
    const rows = await db
      .selectFrom('ports')
      .select('device_id')
      .distinct()
      .where('network_id', 'in', piece)
      .where('device_owner', 'in', [routerInterfaceOwner, routerGatewayOwner])
      .execute();
    return rows.map((row) => row.device_id);
  });
}

/** Networks that a router connects with this one. */
export async function connectedWith(db: DbOrTrx, networkId: Uuid): Promise<Uuid[]> {
  const rows = await connected(db)
    .select('theirs.network_id')
    .distinct()
    .where('ours.network_id', '=', networkId)
    .where('theirs.network_id', '!=', networkId)
    .execute();
  return rows.map((row) => row.network_id);
}

/** Networks that the router has an interface on. */
export async function networksOfRouter(db: DbOrTrx, routerId: Uuid): Promise<Uuid[]> {
  const rows = await db
    .selectFrom('ports')
    .select('network_id')
    .distinct()
    .where('device_id', '=', routerId)
    .where('device_owner', '=', routerInterfaceOwner)
    .execute();
  return rows.map((row) => row.network_id);
}

/** True when another port of that network is bound to that host. */
export async function hasOtherPort(
  db: DbOrTrx,
  { host, networkId, portId }: Placement & { readonly portId: Uuid },
): Promise<boolean> {
  const row = await db
    .selectFrom('ports')
    .select('id')
    .where('binding_host', '=', host)
    .where('network_id', '=', networkId)
    .where('id', '!=', portId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Where ports of these groups are bound. */
export async function placementsOfGroups(db: DbOrTrx, groupIds: readonly Uuid[]): Promise<Placement[]> {
  return inPieces(groupIds, async (piece) => {
    const rows = await db
      .selectFrom('port_security_groups')
      .innerJoin('ports', 'ports.id', 'port_security_groups.port_id')
      .select(['ports.binding_host', 'ports.network_id'])
      .distinct()
      .where('ports.binding_host', '!=', '')
      .where('port_security_groups.security_group_id', 'in', piece)
      .execute();
    return rows.map(toPlacement);
  });
}

/** Groups with a rule whose remote is one of these groups: they depend on who its members are. */
export async function groupsThatName(db: DbOrTrx, remoteIds: readonly Uuid[]): Promise<Uuid[]> {
  return inPieces(remoteIds, async (piece) => {
    const rows = await db
      .selectFrom('security_group_rules')
      .select('security_group_id')
      .distinct()
      .where('remote_group_id', 'in', piece)
      .execute();
    return rows.map((row) => row.security_group_id);
  });
}

export interface Member {
  readonly groupId: Uuid;
  /** An address, or a CIDR of an allowed address pair. */
  readonly address: string;
}

/** Addresses of all ports of the groups, on any host, with those that address pairs allow them. */
export async function membersOf(db: DbOrTrx, groupIds: readonly Uuid[]): Promise<Member[]> {
  return inPieces(groupIds, async (piece) => {
    const rows = await db
      .selectFrom('port_security_groups as member')
      .innerJoin('fixed_ips', 'fixed_ips.port_id', 'member.port_id')
      .select(['member.security_group_id as groupId', 'fixed_ips.ip_address as address'])
      .where('member.security_group_id', 'in', piece)
      .union(
        db
          .selectFrom('port_security_groups as member')
          .innerJoin('address_pairs', 'address_pairs.port_id', 'member.port_id')
          .select(['member.security_group_id as groupId', 'address_pairs.ip_address as address'])
          .where('member.security_group_id', 'in', piece),
      )
      .execute();
    return rows;
  });
}

/** Pairs of interfaces of the same router: `ours` and `theirs` are connected by it. */
function connected(db: DbOrTrx) {
  return db
    .selectFrom('ports as ours')
    .innerJoin('ports as theirs', 'theirs.device_id', 'ours.device_id')
    .where('ours.device_owner', '=', routerInterfaceOwner)
    .where('theirs.device_owner', '=', routerInterfaceOwner);
}

function toPlacement(row: { binding_host: string; network_id: string }): Placement {
  return { host: row.binding_host, networkId: row.network_id };
}
