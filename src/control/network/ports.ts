/**
 * Use cases of ports: who may do what to which port. How a port comes to be and changes is ./port-lifecycle.ts.
 *
 * Ports of the network itself (`network:…`) come and go only with their router.
 */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import { infrastructureOwnerPrefix, type Port } from '../../model/network.ts';
import type { Trx } from '../../store/database.ts';
import { findPortKeys, findPorts, type PortKey, type PortWhere } from '../../store/network/ports.ts';
import { type Collection, checkRevision } from './collection.ts';
import { change, type NetworkContext, scopeOf } from './context.ts';
import { getNetwork } from './networks.ts';
import {
  checkAttributes,
  checkCreate,
  checkGiven,
  checkObject,
  type NetworkOwnerAttribute,
  refuseInfrastructureOwner,
} from './policy.ts';
import {
  changePort,
  dropPorts,
  getPort,
  makePort,
  type PortChanges,
  type PortDraft,
  portDefaults,
} from './port-lifecycle.ts';
import { claimQuota } from './quotas.ts';

export interface Ports extends Collection<Port, PortDraft, PortChanges, PortWhere> {
  /** Ids and the named columns of what `list` would have, in its order. */
  keys(caller: Caller, where: PortWhere, columns: readonly string[]): Promise<PortKey[]>;
}

/**
 * With `host`, on behalf of that host: ports that it makes or takes into use are bound to it whatever it says (unless it
 * frees them), their address and MAC on a shared network are what the container has (the rules are for people), and ports
 * that another host has are none of its business.
 */
export function createPorts(context: NetworkContext, host?: string): Ports {
  const { db } = context;
  return {
    list: (caller, where) => findPorts(db, scopeOf(caller), where),
    keys: (caller, where, columns) => findPortKeys(db, scopeOf(caller), { where, columns }),
    get: (caller, id) => getPort(db, id, scopeOf(caller)),
    create: (caller, drafts) =>
      change(context, async (current) => {
        const made: Port[] = [];
        for (const draft of drafts) {
          const network = await getNetwork(current.trx, draft.networkId, scopeOf(caller));
          const projectId = draft.projectId ?? caller.projectId;
          checkCreate(context, caller, 'create_port', { projectId });
          const object = { projectId, networkProjectId: network.projectId };
          if (host === undefined) {
            checkAttributes(context, caller, 'create', {
              resource: 'port',
              draft,
              unless: portDefaults,
              object,
            });
            checkGiven(context, caller, 'create_port', { attributes: ownerAttributes(draft), object });
          }
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
        const object = await withNetworkOwner(current.trx, port);
        checkObject(context, caller, 'update_port', object);
        if (host === undefined) {
          checkAttributes(context, caller, 'update', { resource: 'port', draft: changes, object });
          checkGiven(context, caller, 'update_port', { attributes: ownerAttributes(changes), object });
        } else refuseForeign(port, host);
        if (changes.deviceOwner !== port.deviceOwner) {
          checkDeviceOwner(caller, 'update_port', changes.deviceOwner);
        }
        checkRevision(port, expect);
        if (host === undefined) refuseNewMac(port, changes);
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
        checkObject(context, caller, 'delete_port', await withNetworkOwner(current.trx, port));
        checkRevision(port, expect);
        if (host !== undefined) refuseForeign(port, host);
        refuseInfrastructure(port, 'deleted');
        await dropPorts(current, [port]);
      }),
  };
}

/** Rules about ports may ask whose the network is, too. */
async function withNetworkOwner(trx: Trx, port: Port) {
  const { projectId: networkProjectId } = await getNetwork(trx, port.networkId);
  return { ...port, networkProjectId };
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

/** What is plugged already would go on with its old address, and be taken for an impostor. */
function refuseNewMac(port: Port, { macAddress, bindingHost = port.bindingHost }: PortChanges): void {
  if (macAddress === undefined || macAddress?.toLowerCase() === port.macAddress) return;
  if (port.bindingHost === '' || bindingHost !== port.bindingHost) return;
  throw new Failure(
    'port-bound',
    `Unable to complete operation on port ${port.id}, port is already bound, port type: berth, ` +
      `old_mac ${port.macAddress}, new_mac ${macAddress ?? 'another'}.`,
  );
}

/** A host names no other host: anything but "nowhere" means itself, and so does taking a port into use. */
function onHost<T extends PortChanges>(draft: T, host: string | undefined): T {
  const { bindingHost, deviceId } = draft;
  const isMeant = bindingHost === undefined ? Boolean(deviceId) : bindingHost !== '';
  return host !== undefined && isMeant ? { ...draft, bindingHost: host } : draft;
}

/** Throws for a port that is bound to another host. */
export function refuseForeign(port: Port, host: string): void {
  if (port.bindingHost === '' || port.bindingHost === host) return;
  throw new Failure('policy-not-authorized', `Port ${port.id} is bound to another host than ${host}.`);
}

function ownerAttributes(draft: PortChanges): NetworkOwnerAttribute[] {
  const given: Record<NetworkOwnerAttribute, boolean> = {
    mac_address: draft.macAddress != null,
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
