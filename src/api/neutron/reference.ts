/**
 * The network API's reference, written from the tables that the API works by: docs/guide/network-api.md is exactly
 * this text, which a test holds.
 */

import type { AnyAttribute } from '../../control/network/resource/attribute.ts';
import {
  agentKind,
  availabilityKind,
  portForwardingKind,
  type ResourceKind,
  resourceKinds,
} from '../../control/network/resource/kinds.ts';
import { networkRules } from '../../control/policy/network-defaults.ts';
import { extensions } from './extensions.ts';

const introduction = `# The network API

Neutron's API v2.0 under \`/network\`, for the \`openstack\` command line and every other client of Neutron. This page is
written from the tables that the API works by (\`src/control/network/resource\`).

- Bodies are wrapped: \`{"port": {…}}\`. A list under the plural key makes several at once: all or none.
- \`tenant_id\` and \`project_id\` are the same. Booleans and numbers may come as text.
- Every attribute marked so filters a list; given more than once it means "one of these". \`fields\` chooses attributes,
  \`limit\`, \`marker\` and \`page_reverse\` a page, \`sort_key\` and \`sort_dir\` the order. An unknown filter is refused.
- \`tags\`, \`tags-any\`, \`not-tags\` and \`not-tags-any\` filter by tags (comma-separated), \`changed_since\` by time.
- \`If-Match: revision_number=N\` makes a change or deletion happen only to that revision (else 412).
- Somebody else's objects are 404. Errors are \`{"NeutronError": {"type", "message", "detail"}}\`; see [errors](../errors.md).
- Attributes under "administrators" are shown to them only.
`;

const diagnostics = `## /v2.0/berth/trace

Berth's own (extension \`berth-diagnostics\`). \`POST\` of \`{"trace": {…}}\` tells where the first packet of a connection would go, from
the plan; nothing is sent and nothing changes.

| key | meaning |
|---|---|
| \`from_port_id\` | the port that sends; null or absent = somebody outside of the cloud |
| \`from_address\` | default: the port's own address |
| \`to_port_id\`, \`to_address\` | exactly one of the two; a floating IP is an address |
| \`protocol\` | name or number |
| \`port\`, \`source_port\` | of tcp, udp, …; the first is required |
| \`icmp_type\`, \`icmp_code\` | of icmp; default: an echo request |

The answer: \`passes\`, \`steps\` (each with \`at\`, \`id\`, \`what\`, \`passes\`, \`text\`, \`security_group_id\`, \`security_group_rule_id\`) and
\`packet\` as it arrived. What belongs to another project ends the story: "dropped by the receiver", without whose rule it was.

## /v2.0/berth/doctor

Berth's own, for administrators. \`POST\` of \`{"doctor": {"repair": false}}\` compares what is wanted with the kernel of each host that has a
port (or of \`host\`); with \`repair\` the differences are mended. The answer has \`hosts\`, each with \`host\`, the number of \`networks\`,
\`findings\` (\`where\`, \`text\`, \`is_repaired\`) and \`error\`, which says why a host could not be examined.
`;

const actions = `## Actions and the rest

| request | body | answer |
|---|---|---|
| \`PUT /v2.0/routers/{id}/add_router_interface\` | \`{subnet_id}\` (takes the subnet's gateway address) or \`{port_id}\` (takes that port) | ids of router, port, network and subnets |
| \`PUT /v2.0/routers/{id}/remove_router_interface\` | \`{subnet_id}\`, \`{port_id}\` or both | the same; the port is gone |
| \`PUT /v2.0/routers/{id}/add_extraroutes\` | \`{"router": {"routes": […]}}\` | the router; what it has already is no error |
| \`PUT /v2.0/routers/{id}/remove_extraroutes\` | \`{"router": {"routes": […]}}\` | the router; what it has not is no error |
| \`PUT /v2.0/subnetpools/{id}/add_prefixes\`, \`remove_prefixes\` | \`{"prefixes": […]}\` | the pool's prefixes |
| \`PUT /v2.0/subnetpools/{id}/onboard_network_subnets\` | \`{network_id}\` | the network's subnets, in the pool from then on |
| \`PUT /v2.0/address-groups/{id}/add_addresses\`, \`remove_addresses\` | \`{"addresses": […]}\` | the address group |
| \`/v2.0/qos/policies/{id}/bandwidth_limit_rules\` | \`{"bandwidth_limit_rule": {max_kbps, max_burst_kbps, direction}}\` | list, create, show, update, delete |
| \`/v2.0/qos/alias_bandwidth_limit_rules/{id}\` | \`{"alias_bandwidth_limit_rule": {…}}\` | show, update, delete |
| \`GET /v2.0/qos/rule-types\` |  | what hosts enforce: \`bandwidth_limit\` |
| \`GET /v2.0/routers/{id}/l3-agents\`, \`/networks/{id}/dhcp-agents\` |  | agents of the hosts that have it |
| \`GET /v2.0/agents/{id}/l3-routers\`, \`dhcp-networks\` |  | what the agent's host has |
| \`GET /v2.0/quotas/{project}\`, \`/default\`, \`/details.json\` |  | limits, their defaults, with what is used |
| \`PUT\`, \`DELETE /v2.0/quotas/{project}\` | \`{"quota": {…}}\`; \`check_limit\` refuses limits below what is used | the limits |
| \`GET /v2.0/availability_zones\`, \`service-providers\`, \`flavors\` |  | the one zone, the one provider, none |
| \`GET /v2.0/floatingip_pools\` |  | IPv4 subnets of the external networks |

By default only administrators choose \`enable_snat\` and \`external_fixed_ips\` of a gateway and the address of a new floating IP, as in
Neutron's own policy. A gateway that is set without \`enable_snat\` translates.
`;

export function networkApiReference(): string {
  const sections = Object.entries(resourceKinds).map(([path, kind]) => section(path, kind));
  const aliases = extensions.map(({ alias, name }) => `| \`${alias}\` | ${name} |`);
  return [
    introduction,
    ...sections,
    diagnostics,
    section('floatingips/{id}/port_forwardings', portForwardingKind),
    section('agents', agentKind),
    section('network-ip-availabilities', availabilityKind),
    actions,
    policyRules(),
    ['## Extensions', '', '| alias | what |', '|---|---|', ...aliases, ''].join('\n'),
  ].join('\n');
}

function policyRules(): string {
  const rows = Object.entries(networkRules).map(([rule, text]) => `| \`${rule}\` | \`${text}\` |`);
  return [
    '## Policy rules',
    '',
    'Neutron’s, in the rule language of oslo.policy; the first four are what the others are made of, together with `admin_or_owner` and',
    '`admin_or_member` of the [container API](container-api.md#policy-rules). A `policy.yaml` replaces any of them:',
    '[operations](operations.md#who-may-do-what). What a caller can find at all is decided before: their project’s own, and what is shared with',
    'it. Rules about reading (`get_…`) only take away: `@` is all of that.',
    '',
    '| rule | default |',
    '|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function section(path: string, kind: ResourceKind): string {
  const rows = kind.table.map(
    (attribute) =>
      `| \`${attribute.name}\` | ${typeOf(attribute)} | ${givenAt(attribute)} | ${defaultOf(attribute)} | ${filters(attribute)} |`,
  );
  return [
    `## /v2.0/${path}`,
    '',
    `Methods: create, list, show, update, delete${kind.isTagged ? '; `tags` below each' : ''}. Keys: \`${kind.singular}\`, \`${kind.plural}\`.`,
    '',
    '| attribute | type | given at | default | filters |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function typeOf({ parser, only, adminView }: AnyAttribute): string {
  const type = only === undefined ? (parser?.type ?? '') : `always \`${JSON.stringify(only)}\``;
  return adminView ? `${type}${type ? '; ' : ''}administrators` : type;
}

function givenAt({ only, field, on = 'create', required }: AnyAttribute): string {
  if (only !== undefined) return 'create, update';
  if (field === undefined) return '';
  const when = on === 'create-and-update' ? 'create, update' : on;
  return required ? `${when}; required` : when;
}

function defaultOf({ default: value }: AnyAttribute): string {
  return value === undefined ? '' : `\`${JSON.stringify(value)}\``;
}

function filters({ filter, view }: AnyAttribute): string {
  return filter === false || view === undefined ? '' : 'yes';
}
