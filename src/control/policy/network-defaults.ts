/**
 * Neutron's rules with its defaults, as far as the network service asks them: `<action>` about an object, `<action>:<attribute>` about an
 * attribute that is given a value, `get_<resource>:<attribute>` about one that is shown.
 *
 * What a caller can find at all is decided before: their project's own and what is shared with it, everything for administrators. So rules
 * about reading can take away and never add. Rules about a network's parts ask whose the network is: `project_id:%(network:project_id)s`.
 */
const admin = 'rule:admin_only';
const member = 'rule:admin_or_member';
const networkOwner = 'rule:admin_or_network_owner';
const anybody = '@';

/** What a project has and changes by itself. */
const owned = [
  ...['network', 'port', 'router', 'floatingip', 'floatingip_port_forwarding', 'security_group'],
  ...['security_group_rule', 'address_group', 'address_scope', 'subnetpool', 'rbac_policy'],
] as const;

type Action<Resource extends string> = `${'create' | 'update' | 'delete'}_${Resource}`;
type Attributes<Resource extends string, Name extends string> =
  | `create_${Resource}:${Name}`
  | `update_${Resource}:${Name}`;

function changing<Resource extends string>(resources: readonly Resource[], text: string) {
  return Object.fromEntries(
    resources.flatMap((resource) =>
      ['create', 'update', 'delete'].map((verb) => [`${verb}_${resource}`, text]),
    ),
  ) as Record<Action<Resource>, string>;
}

function giving<Resource extends string, Name extends string>(
  resource: Resource,
  names: readonly Name[],
  text: string,
) {
  return Object.fromEntries(
    names.flatMap((name) => [
      [`create_${resource}:${name}`, text],
      [`update_${resource}:${name}`, text],
    ]),
  ) as Record<Attributes<Resource, Name>, string>;
}

function showing<Resource extends string, Name extends string>(resource: Resource, names: readonly Name[]) {
  return Object.fromEntries(names.map((name) => [`get_${resource}:${name}`, admin])) as Record<
    `get_${Resource}:${Name}`,
    string
  >;
}

const provider = ['provider:network_type', 'provider:physical_network', 'provider:segmentation_id'] as const;
const gateway = ['external_gateway_info:enable_snat', 'external_gateway_info:external_fixed_ips'] as const;

export const networkRules = {
  admin_only: 'is_admin:True',
  owner: 'project_id:%(project_id)s',
  network_owner: 'project_id:%(network:project_id)s',
  admin_or_network_owner: '(is_admin:True or rule:network_owner) and not only_reader:True',

  get_network: anybody,
  get_subnet: anybody,
  get_port: anybody,
  get_router: anybody,
  get_floatingip: anybody,
  get_floatingip_port_forwarding: anybody,
  get_security_group: anybody,
  get_security_group_rule: anybody,
  get_address_group: anybody,
  get_address_scope: anybody,
  get_subnetpool: anybody,
  get_rbac_policy: anybody,
  get_policy: anybody,
  get_agent: admin,
  get_network_ip_availability: admin,

  ...changing(owned, member),
  create_subnet: networkOwner,
  update_subnet: member,
  delete_subnet: member,
  // Whoever owns the network clears it.
  delete_port: 'rule:admin_or_member or rule:admin_or_network_owner',
  ...changing(['policy', 'policy_bandwidth_limit_rule'], admin),
  update_agent: admin,
  add_router_interface: member,
  remove_router_interface: member,
  add_extraroutes: member,
  remove_extraroutes: member,
  add_prefixes: member,
  remove_prefixes: member,
  onboard_network_subnets: member,
  get_quota: 'rule:admin_or_owner',
  update_quota: admin,
  delete_quota: admin,
  /** Not in Neutron: the doctor. */
  examine_dataplane: admin,

  ...giving('network', ['shared', 'router:external', 'is_default'], admin),
  'create_network:provider:network_type': admin,
  'create_network:provider:physical_network': admin,
  'create_network:provider:segmentation_id': admin,
  ...giving(
    'port',
    ['mac_address', 'fixed_ips:ip_address', 'allowed_address_pairs', 'port_security_enabled'],
    networkOwner,
  ),
  ...giving('port', ['binding:host_id', 'binding:profile'], admin),
  ...giving('router', ['distributed', 'ha', ...gateway], admin),
  'create_floatingip:floating_ip_address': admin,
  ...giving('address_scope', ['shared'], admin),
  ...giving('subnetpool', ['shared', 'is_default'], admin),
  ...giving('rbac_policy', ['target_tenant', 'action'], admin),

  ...showing('network', provider),
  ...showing('port', [
    'binding:host_id',
    'binding:profile',
    'binding:vif_type',
    'binding:vif_details',
    'resource_request',
  ]),
  ...showing('router', ['distributed', 'ha']),
} as const satisfies Record<string, string>;
export type NetworkRule = keyof typeof networkRules;

export function isNetworkRule(name: string): name is NetworkRule {
  return Object.hasOwn(networkRules, name);
}
