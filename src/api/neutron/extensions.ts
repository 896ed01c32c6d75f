/**
 * The extensions that this service really has. Clients decide by alias what they may send: an alias belongs here
 * only when everything behind it works.
 */
const names: Readonly<Record<string, string>> = {
  'allowed-address-pairs': 'Allowed address pairs',
  availability_zone: 'Availability Zone',
  binding: 'Port binding',
  'empty-string-filtering': 'Filters with empty text',
  'external-net': 'External networks',
  'filter-validation': 'Unknown filters are refused',
  'ip-substring-filtering': 'Ports by part of an address',
  'net-mtu': 'MTU of networks',
  'net-mtu-writable': 'MTU of networks can be set',
  pagination: 'Pages of lists',
  'port-security': 'Port security',
  'port-security-groups-filtering': 'Ports by security group',
  'project-id': 'project_id beside tenant_id',
  provider: 'Provider attributes of networks',
  'quota-check-limit': 'Quota limits checked against use',
  quota_details: 'Quotas with use',
  quotas: 'Quotas per project',
  'revision-if-match': 'If-Match by revision',
  'security-group': 'Security groups',
  'security-groups-normalized-cidr': 'Normalised CIDR of rules',
  sorting: 'Sorted lists',
  'standard-attr-description': 'Descriptions',
  'standard-attr-revisions': 'Revision numbers',
  'standard-attr-tag': 'Tags',
  'standard-attr-timestamp': 'Times of creation and change',
  'stateful-security-group': 'Stateful and stateless security groups',
};

export const extensions = Object.entries(names).map(([alias, name]) => ({
  name,
  alias,
  description: name,
  updated: '2026-01-01T00:00:00-00:00',
  links: [],
}));
