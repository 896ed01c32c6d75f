/**
 * Who may do what, in Neutron's names of rules: `<action>` for an object, `<action>:<attribute>` for an attribute.
 *
 * Objects that the caller may not see are "not found" long before this; these checks refuse what is visible but
 * not the caller's (a shared network), and attributes that only administrators set.
 */
import { type Caller, mayOnlyRead } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';

/** Attributes that only administrators give a value: field of the draft → name in the API. */
const adminOnly = {
  network: {
    shared: 'shared',
    external: 'router:external',
    networkType: 'provider:network_type',
    physicalNetwork: 'provider:physical_network',
    segmentationId: 'provider:segmentation_id',
    isDefault: 'is_default',
  },
  subnet: {},
  address_scope: { shared: 'shared' },
  subnetpool: { shared: 'shared', isDefault: 'is_default' },
  port: { bindingHost: 'binding:host_id', bindingProfile: 'binding:profile' },
  security_group: {},
  security_group_rule: {},
  router: { distributed: 'distributed', ha: 'ha' },
  floatingip: { floatingIpAddress: 'floating_ip_address' },
} as const satisfies Record<string, Readonly<Record<string, string>>>;
export type PolicyResource = keyof typeof adminOnly;

/** On somebody else's shared network: attributes of a port that only the network's owner may choose. */
const networkOwnerOnly = [
  'mac_address',
  'fixed_ips:ip_address',
  'allowed_address_pairs',
  'port_security_enabled',
] as const;
export type NetworkOwnerAttribute = (typeof networkOwnerOnly)[number];

/** Parts of a router's gateway that only administrators choose. */
const gatewayAdminOnly = ['enable_snat', 'external_fixed_ips'] as const;
export type GatewayAttribute = (typeof gatewayAdminOnly)[number];

function refuse(rule: string): never {
  throw new Failure('policy-not-authorized', `${rule} is disallowed by policy`);
}

/** The text that Neutron makes of a rule and the attributes that were given: `((a and b) and c)`. */
function ruleText(action: string, attributes: readonly string[]): string {
  return attributes.reduce((text, name) => `(${text} and rule:${action}:${name})`, `rule:${action}`);
}

/** Throws `policy-not-authorized` as for attributes that the caller may not give. */
export function refuseAttributes(action: string, attributes: readonly string[]): never {
  refuse(ruleText(action, attributes));
}

/** Throws `policy-not-authorized` when a caller without the role gives an administrator's attribute a value. */
export function checkAttributes(
  caller: Caller,
  verb: 'create' | 'update',
  resource: PolicyResource,
  given: { readonly draft: object; readonly unless?: object },
): void {
  if (caller.isAdmin) return;
  const draft = new Map(Object.entries(given.draft));
  const defaults = new Map(Object.entries(given.unless ?? {}));
  const refused = Object.entries(adminOnly[resource])
    .filter(([field]) => draft.get(field) !== undefined && draft.get(field) !== defaults.get(field))
    .map(([, attribute]) => attribute);
  if (refused.length > 0) refuse(ruleText(`${verb}_${resource}`, refused));
}

/** Throws for a caller whose only role is `reader`. */
export function checkWriter(caller: Caller, action: string): void {
  if (mayOnlyRead(caller)) refuse(`rule:${action}`);
}

/** Throws unless the object is the caller's (or the caller is an administrator). */
export function checkOwner(caller: Caller, action: string, object: { readonly projectId: string }): void {
  if (!caller.isAdmin && object.projectId !== caller.projectId) refuse(`rule:${action}`);
}

/** For another project than one's own, one has to be an administrator. */
export function checkProject(caller: Caller, action: string, projectId: string): void {
  if (!caller.isAdmin && projectId !== caller.projectId)
    refuse(`(rule:${action} and rule:${action}:tenant_id)`);
}

export function checkAdmin(caller: Caller, action: string): void {
  if (!caller.isAdmin) refuse(`rule:${action}`);
}

/** Throws when a port on another project's network asks for what only that network's owner may choose. */
export function checkNetworkOwner(
  caller: Caller,
  action: string,
  network: { readonly projectId: string },
  given: readonly NetworkOwnerAttribute[],
): void {
  if (caller.isAdmin || network.projectId === caller.projectId || given.length === 0) return;
  refuse(ruleText(action, given));
}

/** Throws when a caller without the role chooses more of a router's gateway than its network. */
export function checkGateway(caller: Caller, action: string, given: readonly GatewayAttribute[]): void {
  if (caller.isAdmin || given.length === 0) return;
  const rule = `rule:${action}:external_gateway_info`;
  const parts = ['network_id', ...given].map((name) => `${rule}:${name}`);
  refuse(`(rule:${action} and (${rule} and (${parts.join(' and ')})))`);
}

/** `device_owner` values of the network's own ports are the server's alone: the dataplane trusts those ports. */
export function refuseInfrastructureOwner(action: string): never {
  refuse(ruleText(action, ['device_owner']));
}
