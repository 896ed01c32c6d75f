/**
 * The configuration files of a Keystone and a Neutron on one machine's loopback, with the Linux bridge agent.
 * Contract: https://docs.openstack.org/keystone/zed/configuration/ and https://docs.openstack.org/neutron/zed/configuration/
 */
import { join } from 'node:path';

export const ports = { identity: 5000, network: 9696, broker: 5672 } as const;
export const identityUrl = `http://127.0.0.1:${ports.identity}/v3`;
export const networkUrl = `http://127.0.0.1:${ports.network}`;

/** In it, the name of the user is the name of the project and the password as well. */
export const administrator = 'admin';

type Section = Readonly<Record<string, string | number | boolean>>;
export type Settings = Readonly<Record<string, Section>>;

export function toIni(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, section]) => {
      const lines = Object.entries(section).map(([key, value]) => `${key} = ${value}\n`);
      return `[${name}]\n${lines.join('')}`;
    })
    .join('\n');
}

export function keystoneSettings(folder: string): Settings {
  return {
    DEFAULT: { use_stderr: true },
    database: { connection: `sqlite:///${join(folder, 'keystone.sqlite')}` },
    token: { provider: 'fernet' },
    fernet_tokens: { key_repository: join(folder, 'fernet-keys') },
    fernet_receipts: { key_repository: join(folder, 'fernet-keys') },
    credential: { key_repository: join(folder, 'credential-keys') },
    // Nobody attacks these passwords, and every log-in would take a quarter of a second.
    identity: { password_hash_rounds: 4 },
    oslo_concurrency: { lock_path: join(folder, 'lock') },
  };
}

export interface NeutronPlace {
  readonly folder: string;
  readonly databaseSocket: string;
  /** The name under which the agent reports. */
  readonly host: string;
}

/** For the server and for the agent: each reads what is its own. */
export function neutronSettings({ folder, databaseSocket, host }: NeutronPlace): Settings {
  return {
    DEFAULT: {
      use_stderr: true,
      transport_url: `rabbit://guest:guest@127.0.0.1:${ports.broker}/`,
      host,
      state_path: join(folder, 'neutron'),
      api_paste_config: '/usr/share/neutron-common/api-paste.ini',
      core_plugin: 'ml2',
      service_plugins: 'router,trunk',
      bind_host: '127.0.0.1',
      bind_port: ports.network,
      // One process for the API, one for the agents: this machine has few processors.
      api_workers: 0,
      rpc_workers: 1,
      rpc_state_report_workers: 0,
      notify_nova_on_port_status_changes: false,
      notify_nova_on_port_data_changes: false,
      agent_down_time: 30,
    },
    // Neutron wants to be told that its Linux bridge driver is known to be one.
    experimental: { linuxbridge: true },
    database: {
      connection: `mysql+pymysql://root@localhost/neutron?unix_socket=${databaseSocket}&charset=utf8`,
    },
    keystone_authtoken: {
      auth_url: identityUrl,
      www_authenticate_uri: identityUrl,
      auth_type: 'password',
      username: administrator,
      password: administrator,
      project_name: administrator,
      user_domain_name: 'Default',
      project_domain_name: 'Default',
      service_token_roles_required: false,
    },
    oslo_concurrency: { lock_path: join(folder, 'lock') },
    ml2: {
      type_drivers: 'local,vxlan',
      tenant_network_types: 'vxlan',
      mechanism_drivers: 'linuxbridge,l2population',
      extension_drivers: 'port_security',
    },
    ml2_type_vxlan: { vni_ranges: '1:1000' },
    securitygroup: { enable_security_group: true, firewall_driver: 'iptables' },
    // Without population of its tables a tunnel floods, and what it sends over loopback comes back to it.
    vxlan: { enable_vxlan: true, local_ip: '127.0.0.1', l2_population: true },
    agent: {
      // The agent is root already, and what it runs is to be found on the path that it was given.
      root_helper: 'env',
      polling_interval: 1,
      report_interval: 5,
    },
  };
}
