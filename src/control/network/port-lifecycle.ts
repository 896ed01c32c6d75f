/**
 * How a port comes to be, changes and goes, whoever asks: the API, a container, a router.
 *
 * Everything is checked and chosen inside the caller's transaction, and the hosts concerned are noted. Who may ask
 * is checked before.
 */
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
import { deletePorts, findPort, insertPort, updatePort } from '../../store/network/ports.ts';
import { newborn, revised } from './collection.ts';
import type { Change, NetworkContext } from './context.ts';
import { ensureDefaultGroup } from './default-group.ts';
import { checkDnsDomain, checkDnsName } from './dns-names.ts';
import { type AskedAddress, chooseAddresses } from './port-addresses.ts';
import {
  type AskedDhcpOption,
  type AskedPair,
  checkGroups,
  checkPortSecurity,
  chooseMac,
  compilePairs,
  mergeDhcpOptions,
} from './port-rules.ts';
import { checkQosPolicy } from './qos-policies.ts';
import { releaseChanged, releasePorts } from './routing/releases.ts';

export interface PortDraft {
  readonly networkId: Uuid;
  readonly projectId?: string;
  readonly name?: string;
  readonly description?: string;
  readonly adminStateUp?: boolean;
  /** Null = another one, chosen for it. */
  readonly macAddress?: string | null;
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
  readonly bindingProfile?: Readonly<Record<string, unknown>>;
  readonly dnsName?: string;
  readonly dnsDomain?: string;
  readonly dhcpOptions?: readonly AskedDhcpOption[];
  readonly propagateUplinkStatus?: boolean;
  readonly qosPolicyId?: Uuid | null;
}
export type PortChanges = Omit<PortDraft, 'networkId' | 'projectId' | 'propagateUplinkStatus'>;

export const portDefaults = {
  name: '',
  description: '',
  adminStateUp: true,
  deviceId: '',
  deviceOwner: '',
  bindingHost: '',
  bindingProfile: {},
  propagateUplinkStatus: true,
} as const satisfies Omit<PortDraft, 'networkId'>;

export async function getPort(db: DbOrTrx, id: Uuid, scope: Scope = everything): Promise<Port> {
  const port = await findPort(db, id, scope);
  if (!port) throw new Failure('port-not-found', `Port ${id} could not be found.`);
  return port;
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
  const asked = draft.macAddress ?? undefined;
  const macAddress = await chooseMac(context, trx, { networkId: network.id, asked });
  const portSecurityEnabled = draft.portSecurityEnabled ?? network.portSecurityEnabled;
  const isInfrastructure = draft.deviceOwner?.startsWith(infrastructureOwnerPrefix) ?? false;
  const isFiltered = portSecurityEnabled && !isInfrastructure;
  const { securityGroupIds, fixedIps, allowedAddressPairs, dhcpOptions, dnsName, dnsDomain, ...plain } =
    draft;
  const born = newborn(projectId, now);
  const port: Port = {
    ...portDefaults,
    ...plain,
    ...born,
    macAddress,
    portSecurityEnabled,
    networkId: network.id,
    status: 'DOWN',
    attachment: attachment ?? null,
    dnsName: checkDnsName(dnsName ?? ''),
    dnsDomain: checkDnsDomain(dnsDomain ?? ''),
    networkDnsDomain: network.dnsDomain,
    qosPolicyId: await checkQosPolicy(trx, scope, plain.qosPolicyId ?? null),
    qosNetworkPolicyId: network.qosPolicyId,
    dhcpOptions: mergeDhcpOptions([], dhcpOptions ?? []),
    securityGroupIds: securityGroupIds
      ? await checkGroups(trx, scope, securityGroupIds)
      : isFiltered
        ? [await ensureDefaultGroup(trx, projectId, now)]
        : [],
    allowedAddressPairs: compilePairs(allowedAddressPairs ?? [], macAddress),
    fixedIps: await chooseAddresses(trx, context.random, {
      portId: born.id,
      networkId: network.id,
      macAddress,
      asked: fixedIps,
      current: [],
      deviceOwner: plain.deviceOwner ?? '',
      isRouterPort: isInfrastructure,
    }),
  };
  checkPortSecurity(port, true);
  await insertPort(trx, port);
  await concerned.port(port);
  await concerned.members(port.securityGroupIds);
  if (port.dnsName) await concerned.networks([port.networkId]);
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
  current: Change,
  { port, changes, scope, attachment }: PortRevision,
): Promise<Port> {
  const { trx, now, concerned } = current;
  const { fixedIps, securityGroupIds, allowedAddressPairs, macAddress: askedMac, ...others } = changes;
  const { dhcpOptions, dnsName, dnsDomain, ...plain } = others;
  const isNewMac = askedMac !== undefined && askedMac?.toLowerCase() !== port.macAddress;
  const macAddress = isNewMac
    ? await chooseMac(context, trx, { networkId: port.networkId, asked: askedMac ?? undefined })
    : port.macAddress;
  const isNewDevice = plain.deviceId !== undefined && plain.deviceId !== port.deviceId;
  const isNewHost = plain.bindingHost !== undefined && plain.bindingHost !== port.bindingHost;
  const after = revised(
    port,
    {
      ...plain,
      macAddress,
      qosPolicyId: plain.qosPolicyId && (await checkQosPolicy(trx, scope, plain.qosPolicyId)),
      dnsName: dnsName === undefined ? undefined : checkDnsName(dnsName),
      dnsDomain: dnsDomain === undefined ? undefined : checkDnsDomain(dnsDomain),
      dhcpOptions: dhcpOptions && mergeDhcpOptions(port.dhcpOptions, dhcpOptions),
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
          deviceOwner: plain.deviceOwner ?? port.deviceOwner,
          isRouterPort: port.deviceOwner.startsWith(infrastructureOwnerPrefix),
        })),
    },
    now,
  );
  checkPortSecurity(after, securityGroupIds !== undefined);
  await releaseChanged(current, port, after);
  await updatePort(trx, after);
  await concerned.port(port);
  await concerned.port(after);
  if (dnsName !== undefined || (port.dnsName && fixedIps)) await concerned.networks([port.networkId]);
  if (fixedIps || securityGroupIds || allowedAddressPairs) {
    await concerned.members([...new Set([...port.securityGroupIds, ...after.securityGroupIds])]);
  }
  return after;
}

export async function dropPorts(current: Change, ports: readonly Port[]): Promise<void> {
  const { trx, concerned } = current;
  const ids = ports.map((port) => port.id);
  for (const port of ports) await concerned.port(port);
  await concerned.networks(ports.filter((port) => port.dnsName).map((port) => port.networkId));
  await releasePorts(current, ids);
  await deletePorts(trx, ids);
  await concerned.members([...new Set(ports.flatMap((port) => port.securityGroupIds))]);
}
