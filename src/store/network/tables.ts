/**
 * Row types of the network tables. Domain types: src/model/network.ts; converted in the file of each resource.
 *
 * Unique indexes carry the invariants that two servers could race for: (subnet, address), (network, MAC), a
 * network's VXLAN identifier, one `default` group per project, one rule of a kind per group, one port per place
 * of a container, one gateway port per router, one floating IP per fixed address and external network, one
 * forwarding per external port.
 */
export interface CommonRow {
  id: string;
  project_id: string;
  name: string;
  description: string;
  revision: number;
  created_at: string;
  updated_at: string;
}

export interface NetworkRow extends CommonRow {
  admin_state_up: number;
  external: number;
  port_security_enabled: number;
  mtu: number;
  network_type: string;
  physical_network: string | null;
  segmentation_id: number;
  dns_domain: string;
  is_default: number;
  /** JSON: string[] */
  zone_hints: string;
  qos_policy_id: string | null;
}

export interface RbacPolicyRow {
  id: string;
  project_id: string;
  object_type: string;
  object_id: string;
  action: string;
  target_project: string;
  created_at: string;
}

export interface AddressScopeRow extends CommonRow {
  ip_version: number;
}

export interface SubnetPoolRow extends CommonRow {
  ip_version: number;
  /** JSON: string[] */
  prefixes: string;
  min_prefix_length: number;
  max_prefix_length: number;
  default_prefix_length: number;
  is_default: number;
  default_quota: number | null;
  address_scope_id: string | null;
}

export interface SubnetRow extends CommonRow {
  network_id: string;
  subnetpool_id: string | null;
  ip_version: number;
  cidr: string;
  gateway_ip: string | null;
  enable_dhcp: number;
  /** JSON: AddressRange[] */
  allocation_pools: string;
  /** JSON: string[] */
  dns_nameservers: string;
  /** JSON: HostRoute[] */
  host_routes: string;
  ipv6_address_mode: string | null;
  ipv6_ra_mode: string | null;
  /** JSON: string[] */
  service_types: string;
  dns_publish_fixed_ip: number;
}

export interface PortRow extends CommonRow {
  network_id: string;
  mac_address: string;
  admin_state_up: number;
  status: string;
  port_security_enabled: number;
  device_id: string;
  device_owner: string;
  binding_host: string;
  /** JSON: whatever object was given. */
  binding_profile: string;
  dns_name: string;
  dns_domain: string;
  /** JSON: DhcpOption[] */
  dhcp_options: string;
  propagate_uplink_status: number;
  qos_policy_id: string | null;
  /** Null unless the port is one of a container's; with device_id unique. */
  attachment_index: number | null;
  attachment_adopted: number;
}

export interface FixedIpRow {
  port_id: string;
  subnet_id: string;
  ip_address: string;
  /** Order within the port. */
  position: number;
}

export interface PortSecurityGroupRow {
  port_id: string;
  security_group_id: string;
}

export interface AddressPairRow {
  port_id: string;
  mac_address: string;
  ip_address: string;
}

export interface SecurityGroupRow extends CommonRow {
  stateful: number;
  /** The project whose default group this is; null for all others. */
  default_of: string | null;
}

export interface SecurityGroupRuleRow {
  id: string;
  project_id: string;
  security_group_id: string;
  direction: string;
  ethertype: string;
  protocol: string | null;
  port_range_min: number | null;
  port_range_max: number | null;
  remote_group_id: string | null;
  remote_address_group_id: string | null;
  remote_ip_prefix: string | null;
  /** Null when it is the same. */
  given_ip_prefix: string | null;
  description: string;
  /** All that makes two rules of a group the same, as one text: nulls never collide in a unique index. */
  signature: string;
  revision: number;
  created_at: string;
  updated_at: string;
}

export interface QosPolicyRow extends CommonRow {
  /** The project whose default policy this is; null for all others. */
  default_of: string | null;
}

export interface BandwidthLimitRow {
  id: string;
  policy_id: string;
  direction: string;
  max_kbps: number;
  max_burst_kbps: number;
}

export interface AddressGroupRow extends CommonRow {
  /** JSON: string[] */
  addresses: string;
}

export interface RouterRow extends CommonRow {
  admin_state_up: number;
  external_network_id: string | null;
  enable_snat: number;
  /** JSON: HostRoute[] */
  routes: string;
  /** JSON: string[] */
  availability_zone_hints: string;
}

export interface FloatingIpRow extends Omit<CommonRow, 'name'> {
  floating_network_id: string;
  floating_ip_address: string;
  floating_port_id: string;
  fixed_port_id: string | null;
  fixed_ip_address: string | null;
  router_id: string | null;
  dns_name: string;
  dns_domain: string;
}

export interface PortForwardingRow {
  id: string;
  floating_ip_id: string;
  protocol: string;
  external_port_first: number;
  external_port_last: number;
  internal_port_first: number;
  internal_port_last: number;
  internal_ip_address: string;
  internal_port_id: string;
  description: string;
  created_at: string;
  updated_at: string;
}

/** Tags of all resources in one table: ids are unique across them. */
export interface TagRow {
  resource_id: string;
  tag: string;
}

export interface NetworkQuotaRow {
  project_id: string;
  resource: string;
  amount: number;
}

export interface NetworkTables {
  networks: NetworkRow;
  rbac_policies: RbacPolicyRow;
  address_scopes: AddressScopeRow;
  address_groups: AddressGroupRow;
  qos_policies: QosPolicyRow;
  bandwidth_limits: BandwidthLimitRow;
  subnet_pools: SubnetPoolRow;
  subnets: SubnetRow;
  ports: PortRow;
  fixed_ips: FixedIpRow;
  port_security_groups: PortSecurityGroupRow;
  address_pairs: AddressPairRow;
  security_groups: SecurityGroupRow;
  security_group_rules: SecurityGroupRuleRow;
  routers: RouterRow;
  floating_ips: FloatingIpRow;
  port_forwardings: PortForwardingRow;
  network_tags: TagRow;
  network_quotas: NetworkQuotaRow;
}
