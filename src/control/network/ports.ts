/**
 * Use cases of ports.
 *
 * `makePort` and `changePort` are the one way a port comes to be and changes, whoever asks: the API, a container,
 * a router. They check everything and choose addresses inside the transaction; who may ask is checked before.
 * Ports of the network itself (`network:…`) come and go only with their router.
 */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import {
  infrastructureOwnerPrefix,
  type Network,
  type Port,
  type PortAttachment,
} from '../../model/network.ts';
import type { DbOrTrx } from '../../store/database.ts';
import { everything, type Scope } from '../../store/network/common.ts';
import {
  deletePorts,
  findPort,
  findPorts,
  insertPort,
  type PortWhere,
  updatePort,
} from '../../store/network/ports.ts';
import { type Collection, checkRevision, newborn, revised } from './collection.ts';
import { type Change, change, type NetworkContext, scopeOf } from './context.ts';
import { ensureDefaultGroup } from './default-group.ts';
import { getNetwork } from './networks.ts';
import {
  checkAttributes,
  checkNetworkOwner,
  checkOwner,
  checkProject,
  type NetworkOwnerAttribute,
  refuseInfrastructureOwner,
} from './policy.ts';
import { type AskedAddress, chooseAddresses } from './port-addresses.ts';
import { type AskedPair, checkGroups, checkPortSecurity, chooseMac, compilePairs } from './port-rules.ts';
import { claimQuota } from './quotas.ts';

export interface PortDraft {
  readonly networkId: Uuid;
  readonly projectId?: string;
  readonly name?: string;
  readonly description?: string;
  readonly adminStateUp?: boolean;
  readonly macAddress?: string;
  /** Absent = one address per IP version of the network; empty = none. */
  readonly fixedIps?: readonly AskedAddress[];
  /** Absent = as the network has it. */
  readonly portSecurityEnabled?: boolean;
  /** Absent = the project's default group. */
  readonly securityGroupIds?: readonly Uuid[];
  readonly allowedAddressPairs?: readonly AskedPair[];
  readonly deviceId?: string;
  readonly deviceOwner?: string;
  /** Empty = unbound. */
  readonly bindingHost?: string;
}
export type PortChanges = Omit<PortDraft, 'networkId' | 'projectId'>;

export type Ports = Collection<Port, PortDraft, PortChanges, PortWhere>;

export const portDefaults = {
  name: '',
  description: '',
  adminStateUp: true,
  deviceId: '',
  deviceOwner: '',
  bindingHost: '',
} as const satisfies Omit<PortDraft, 'networkId'>;

export async function getPort(db: DbOrTrx, id: Uuid, scope: Scope = everything): Promise<Port> {
  const port = await findPort(db, id, scope);
  if (!port) throw new Failure('port-not-found', `Port ${id} could not be found.`);
  return port;
}

/**
 * With `host`, on behalf of that host: it binds ports to itself whatever it says (or frees them), and ports that
 * another host has are none of its business.
 */
export function createPorts(context: NetworkContext, host?: string): Ports {
  const { db } = context;
  return {
    list: (caller, where) => findPorts(db, scopeOf(caller), where),
    get: (caller, id) => getPort(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async (current) => {
        const made: Port[] = [];
        for (const draft of drafts) {
          const network = await getNetwork(current.trx, draft.networkId, scopeOf(caller));
          const projectId = draft.projectId ?? caller.projectId;
          checkProject(caller, 'create_port', projectId);
          if (host === undefined) checkAttributes(caller, 'create', 'port', { draft, unless: portDefaults });
          checkNetworkOwner(caller, 'create_port', network, ownerAttributes(draft));
          checkDeviceOwner(caller, 'create_port', draft.deviceOwner);
          await claimQuota(context, current.trx, projectId, { port: 1 });
          const bound = host === undefined ? draft : { ...draft, bindingHost: draft.bindingHost ?? host };
          made.push(
            await makePort(context, current, {
              network,
              projectId,
              draft: onHost(bound, host),
              scope: scopeOf(caller),
            }),
          );
        }
        return made;
      }),

    update: (caller, id, changes, expect) =>
      change(context, async (current) => {
        const port = await getPort(current.trx, id, scopeOf(caller));
        checkOwner(caller, 'update_port', port);
        if (host === undefined) checkAttributes(caller, 'update', 'port', { draft: changes });
        else refuseForeign(port, host);
        const network = await getNetwork(current.trx, port.networkId);
        checkNetworkOwner(caller, 'update_port', network, ownerAttributes(changes));
        if (changes.deviceOwner !== port.deviceOwner) {
          checkDeviceOwner(caller, 'update_port', changes.deviceOwner);
        }
        checkRevision(port, expect);
        if (fixedForInfrastructure.some((field) => changes[field] !== undefined)) {
          refuseInfrastructure(port, 'changed');
        }
        return changePort(context, current, {
          port,
          changes: onHost(changes, host),
          scope: scopeOf(caller),
        });
      }),

    remove: (caller, id, expect) =>
      change(context, async (current) => {
        const port = await getPort(current.trx, id, scopeOf(caller));
        if (port.projectId !== caller.projectId) {
          checkOwner(caller, 'delete_port', await getNetwork(current.trx, port.networkId));
        }
        checkRevision(port, expect);
        if (host !== undefined) refuseForeign(port, host);
        refuseInfrastructure(port, 'deleted');
        await dropPorts(current, [port]);
      }),
  };
}

export interface PortOrder {
  readonly network: Network;
  readonly projectId: string;
  readonly draft: Omit<PortDraft, 'networkId' | 'projectId'>;
  /** Whose security groups may be named. */
  readonly scope: Scope;
  readonly attachment?: PortAttachment;
}

/** Checks, chooses what was left open and inserts the port. */
export async function makePort(
  context: NetworkContext,
  { trx, now, concerned }: Change,
  { network, projectId, draft, scope, attachment }: PortOrder,
): Promise<Port> {
  const macAddress = await chooseMac(context, trx, { networkId: network.id, asked: draft.macAddress });
  const portSecurityEnabled = draft.portSecurityEnabled ?? network.portSecurityEnabled;
  const isInfrastructure = draft.deviceOwner?.startsWith(infrastructureOwnerPrefix) ?? false;
  const isFiltered = portSecurityEnabled && !isInfrastructure;
  const { name, description, adminStateUp, deviceId, deviceOwner, bindingHost } = {
    ...portDefaults,
    ...draft,
  };
  const born = newborn(projectId, now);
  const port: Port = {
    ...born,
    name,
    description,
    adminStateUp,
    deviceId,
    deviceOwner,
    bindingHost,
    macAddress,
    portSecurityEnabled,
    networkId: network.id,
    status: 'DOWN',
    attachment: attachment ?? null,
    securityGroupIds: draft.securityGroupIds
      ? await checkGroups(trx, scope, draft.securityGroupIds)
      : isFiltered
        ? [await ensureDefaultGroup(trx, projectId, now)]
        : [],
    allowedAddressPairs: compilePairs(draft.allowedAddressPairs ?? [], macAddress),
    fixedIps: await chooseAddresses(trx, context.random, {
      portId: born.id,
      networkId: network.id,
      macAddress,
      asked: draft.fixedIps,
      current: [],
      isRouterPort: isInfrastructure,
    }),
  };
  checkPortSecurity(port);
  await insertPort(trx, port);
  await concerned.port(port);
  await concerned.members(port.securityGroupIds);
  return port;
}

export interface PortRevision {
  readonly port: Port;
  readonly changes: PortChanges;
  readonly scope: Scope;
  /** Undefined = as it is, unless the device changes: then the port is nobody's. */
  readonly attachment?: PortAttachment | null;
}

/** Checks the changes against the port as it is and writes it. */
export async function changePort(
  context: NetworkContext,
  { trx, now, concerned }: Change,
  { port, changes, scope, attachment }: PortRevision,
): Promise<Port> {
  const { fixedIps, securityGroupIds, allowedAddressPairs, macAddress: askedMac, ...plain } = changes;
  const isNewMac = askedMac !== undefined && askedMac.toLowerCase() !== port.macAddress;
  const macAddress = isNewMac
    ? await chooseMac(context, trx, { networkId: port.networkId, asked: askedMac })
    : port.macAddress;
  const isNewDevice = plain.deviceId !== undefined && plain.deviceId !== port.deviceId;
  const isNewHost = plain.bindingHost !== undefined && plain.bindingHost !== port.bindingHost;
  const after = revised(
    port,
    {
      ...plain,
      macAddress,
      attachment: attachment === undefined && isNewDevice ? null : attachment,
      status: isNewHost ? 'DOWN' : port.status,
      securityGroupIds: securityGroupIds && (await checkGroups(trx, scope, securityGroupIds)),
      allowedAddressPairs: allowedAddressPairs && compilePairs(allowedAddressPairs, macAddress),
      fixedIps:
        fixedIps &&
        (await chooseAddresses(trx, context.random, {
          portId: port.id,
          networkId: port.networkId,
          macAddress,
          asked: fixedIps,
          current: port.fixedIps,
          isRouterPort: port.deviceOwner.startsWith(infrastructureOwnerPrefix),
        })),
    },
    now,
  );
  checkPortSecurity(after);
  await updatePort(trx, after);
  await concerned.port(port);
  await concerned.port(after);
  if (fixedIps || securityGroupIds || allowedAddressPairs) {
    await concerned.members([...new Set([...port.securityGroupIds, ...after.securityGroupIds])]);
  }
  return after;
}

export async function dropPorts({ trx, concerned }: Change, ports: readonly Port[]): Promise<void> {
  for (const port of ports) await concerned.port(port);
  await deletePorts(
    trx,
    ports.map((port) => port.id),
  );
  await concerned.members([...new Set(ports.flatMap((port) => port.securityGroupIds))]);
}

/** What a router's port has from its router. */
const fixedForInfrastructure = [
  'fixedIps',
  'macAddress',
  'deviceId',
  'deviceOwner',
  'bindingHost',
] as const satisfies readonly (keyof PortChanges)[];

function refuseInfrastructure(port: Port, what: 'changed' | 'deleted'): void {
  if (!port.deviceOwner.startsWith(infrastructureOwnerPrefix)) return;
  throw new Failure(
    'service-port-in-use',
    `Port ${port.id} cannot be ${what} directly via the port API: has device owner ${port.deviceOwner}.`,
  );
}

/** A host names no other host: anything but "nowhere" means itself. */
function onHost<T extends PortChanges>(draft: T, host: string | undefined): T {
  return host === undefined || !draft.bindingHost ? draft : { ...draft, bindingHost: host };
}

/** Throws for a port that is bound to another host. */
export function refuseForeign(port: Port, host: string): void {
  if (port.bindingHost === '' || port.bindingHost === host) return;
  throw new Failure('policy-not-authorized', `Port ${port.id} is bound to another host than ${host}.`);
}

function ownerAttributes(draft: PortChanges): NetworkOwnerAttribute[] {
  const given: Record<NetworkOwnerAttribute, boolean> = {
    mac_address: draft.macAddress !== undefined,
    'fixed_ips:ip_address': draft.fixedIps?.some((ip) => ip.ipAddress !== undefined) ?? false,
    allowed_address_pairs: (draft.allowedAddressPairs?.length ?? 0) > 0,
    port_security_enabled: draft.portSecurityEnabled !== undefined,
  };
  return (Object.keys(given) as NetworkOwnerAttribute[]).filter((name) => given[name]);
}

function checkDeviceOwner(caller: Caller, action: string, deviceOwner: string | undefined): void {
  if (caller.isAdmin || !deviceOwner?.startsWith(infrastructureOwnerPrefix)) return;
  refuseInfrastructureOwner(action);
}
