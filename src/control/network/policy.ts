/**
 * Who may do what, by Neutron's rules (../policy/network-defaults.ts): `<action>` for an object, `<action>:<attribute>` for an attribute.
 *
 * Objects that the caller may not find are "not found" long before this; these checks refuse what is visible but not the caller's (a
 * shared network), and attributes that not everybody gives a value.
 */
import { type Caller, mayOnlyRead } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import { isPolicyRule } from '../policy/defaults.ts';
import type { PolicyTarget } from '../policy.ts';
import type { NetworkContext } from './context.ts';

type Context = Pick<NetworkContext, 'policy'>;

/** Attributes with rules of their own: field of the draft → name in the API. */
const ruled = {
  network: {
    shared: 'shared',
    external: 'router:external',
    networkType: 'provider:network_type',
    physicalNetwork: 'provider:physical_network',
    segmentationId: 'provider:segmentation_id',
    isDefault: 'is_default',
  },
  address_scope: { shared: 'shared' },
  subnetpool: { shared: 'shared', isDefault: 'is_default' },
  port: { bindingHost: 'binding:host_id', bindingProfile: 'binding:profile' },
  router: { distributed: 'distributed', ha: 'ha' },
  floatingip: { floatingIpAddress: 'floating_ip_address' },
} as const satisfies Record<string, Readonly<Record<string, string>>>;
export type PolicyResource = keyof typeof ruled;

/** On somebody else's shared network: attributes of a port that only the network's owner may choose. */
export type NetworkOwnerAttribute =
  | 'mac_address'
  | 'fixed_ips:ip_address'
  | 'allowed_address_pairs'
  | 'port_security_enabled';

/** Parts of a router's gateway besides its network. */
export type GatewayAttribute = 'enable_snat' | 'external_fixed_ips';

interface Owned {
  readonly projectId: string;
  readonly id?: string;
  readonly name?: string | null;
  /** Absent = it is no part of a network. */
  readonly networkProjectId?: string;
}

export function targetOf({ projectId, id, name, networkProjectId }: Owned): PolicyTarget {
  return {
    projectId,
    ...(id === undefined ? {} : { uuid: id }),
    ...(name === undefined ? {} : { name }),
    ...(networkProjectId === undefined ? {} : { networkProjectId }),
  };
}

/** A rule that does not exist is a mistake of ours, not of the caller. */
export function allows({ policy }: Context, caller: Caller, rule: string, object: Owned): boolean {
  if (!isPolicyRule(rule)) throw new Error(`no policy rule ${rule}`);
  return policy.allows(caller, rule, targetOf(object));
}

function refuse(rule: string): never {
  throw new Failure('policy-not-authorized', `${rule} is disallowed by policy`);
}

/** The text that Neutron makes of a rule and the attributes that were given: `((a and b) and c)`. */
function ruleText(action: string, attributes: readonly string[]): string {
  return attributes.reduce((text, name) => `(${text} and rule:${action}:${name})`, `rule:${action}`);
}

/** Throws `policy-not-authorized` naming those of the attributes that the caller may not give. */
export function checkGiven(
  context: Context,
  caller: Caller,
  action: string,
  { attributes, object }: { readonly attributes: readonly string[]; readonly object: Owned },
): void {
  const refused = attributes.filter((name) => !allows(context, caller, `${action}:${name}`, object));
  if (refused.length > 0) refuse(ruleText(action, refused));
}

/** The same for what of a draft has another value than what it would have anyway. */
export function checkAttributes(
  context: Context,
  caller: Caller,
  verb: 'create' | 'update',
  given: {
    readonly resource: PolicyResource;
    readonly draft: object;
    readonly unless?: object;
    readonly object: Owned;
  },
): void {
  const draft = new Map(Object.entries(given.draft));
  const defaults = new Map(Object.entries(given.unless ?? {}));
  const attributes = Object.entries(ruled[given.resource])
    .filter(([field]) => draft.get(field) !== undefined && draft.get(field) !== defaults.get(field))
    .map(([, attribute]) => attribute);
  checkGiven(context, caller, `${verb}_${given.resource}`, { attributes, object: given.object });
}

/** Throws for a caller whose only role is `reader`, before anything is looked up, unless readers may do such a thing. */
export function checkWriter(context: Context, caller: Caller, action: string): void {
  if (mayOnlyRead(caller) && !allows(context, caller, action, caller)) refuse(`rule:${action}`);
}

/** Throws unless the caller may do that with the object. */
export function checkObject(context: Context, caller: Caller, action: string, object: Owned): void {
  if (!allows(context, caller, action, object)) refuse(`rule:${action}`);
}

/** Throws unless the caller may make that; for another project only administrators do, whatever the rules say. */
export function checkCreate(context: Context, caller: Caller, action: string, object: Owned): void {
  if (object.projectId !== caller.projectId && !caller.isAdmin)
    refuse(`(rule:${action} and rule:${action}:tenant_id)`);
  checkObject(context, caller, action, object);
}

/** Throws unless the caller may do that for the project. */
export function checkProject(context: Context, caller: Caller, action: string, projectId: string): void {
  if (allows(context, caller, action, { projectId })) return;
  if (projectId === caller.projectId) refuse(`rule:${action}`);
  refuse(`(rule:${action} and rule:${action}:tenant_id)`);
}

/** What is the cloud's own. */
export const nobodys: Owned = { projectId: '' };

/** Throws unless the caller may do that in the name of the whole cloud. */
export function checkCloud(context: Context, caller: Caller, action: string): void {
  checkObject(context, caller, action, nobodys);
}

/** Throws when the caller chooses more of a router's gateway than its network and may not. */
export function checkGateway(
  context: Context,
  caller: Caller,
  action: string,
  { given, object }: { readonly given: readonly GatewayAttribute[]; readonly object: Owned },
): void {
  const rule = `rule:${action}:external_gateway_info`;
  const refused = given.filter(
    (name) => !allows(context, caller, `${action}:external_gateway_info:${name}`, object),
  );
  if (refused.length === 0) return;
  const parts = ['network_id', ...refused].map((name) => `${rule}:${name}`);
  refuse(`(rule:${action} and (${rule} and (${parts.join(' and ')})))`);
}

/** `device_owner` values of the network's own ports are the server's alone: the dataplane trusts those ports. No rule changes that. */
export function refuseInfrastructureOwner(action: string): never {
  refuse(ruleText(action, ['device_owner']));
}
