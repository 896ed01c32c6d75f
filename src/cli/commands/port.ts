/** `berth port …` */
import type { NetworkApi, PortObject } from '../../client/networks.ts';
import { fields } from '../container-request.ts';
import { collect, type OptionRow, type Setting } from '../define.ts';
import type { Row } from '../output/output.ts';
import { UsageError } from '../usage-error.ts';
import { defineResource, given, idField, idsOf } from './network-resource.ts';
import { defineTrace } from './port-trace.ts';

interface Options {
  readonly network?: string;
  readonly fixedIp?: readonly string[];
  /** False = `--no-security-group`. */
  readonly securityGroup?: readonly string[] | false;
  readonly allowedAddress?: readonly string[];
  readonly portSecurity?: boolean;
  readonly enable?: boolean;
  readonly disable?: boolean;
}

const common: readonly OptionRow[] = [
  ['--fixed-ip <spec>', 'an address, or subnet=NAME[,ip-address=A] (repeatable)', collect],
  ['--security-group <name>', 'what may reach it (repeatable)', collect],
  ['--no-security-group', 'no group: nothing may reach it'],
  ['--allowed-address <spec>', 'ip-address=A[,mac-address=M]: may also use this (repeatable)', collect],
  ['--port-security', 'filter its traffic'],
  ['--no-port-security', 'do not'],
  ['--device <id>', 'what uses it'],
  ['--device-owner <kind>', 'what kind of thing that is'],
  ['--host <name>', 'bind it to this host (administrators)'],
  ['--enable', 'carry traffic'],
  ['--disable', 'carry none'],
];

export function commands(setting: Setting): void {
  defineResource(setting, {
    word: 'port',
    called: 'port',
    collection: 'ports',
    columns: [
      { key: 'id' },
      { key: 'name' },
      { key: 'mac_address', title: 'MAC' },
      { key: 'fixed_ips', title: 'ADDRESSES', text: addressesText },
      { key: 'device_owner', title: 'OWNER' },
      { key: 'device_id', title: 'DEVICE' },
      { key: 'status' },
    ],
    text: { fixed_ips: addressesText, allowed_address_pairs: pairsText },
    list: {
      options: [
        ['--name <name>', 'with this name'],
        ['--network <network>', 'on this network'],
        ['--device <id>', 'used by this: a container, a router'],
        ['--device-owner <kind>', 'used by this kind of thing'],
        ['--mac-address <mac>', 'with this MAC address'],
      ],
      query: async (options: Options, networks) => ({
        ...given(options, {
          name: 'name',
          device: 'device_id',
          deviceOwner: 'device_owner',
          macAddress: 'mac_address',
        }),
        ...(await idField(networks, 'network_id', ['networks', options.network])),
      }),
    },
    create: {
      options: [
        ['--network <network>', 'network it is on'],
        ...common,
        ['--mac-address <mac>', 'MAC address'],
      ],
      fields: async (options: Options, networks) => {
        if (!options.network) throw new UsageError('port create: --network is needed');
        return {
          ...(await idField(networks, 'network_id', ['networks', options.network])),
          ...(await changeable(options, networks)),
        };
      },
      examples: [
        'berth port create --network back --fixed-ip 10.0.5.9 db-port',
        'berth run -n db --net port=db-port postgres',
      ],
    },
    set: {
      options: common,
      fields: changeable,
      examples: ['berth port set --security-group web --security-group default db-port'],
    },
  });
  defineTrace(setting);
}

async function changeable(options: Options, networks: NetworkApi) {
  const { securityGroup, fixedIp, allowedAddress } = options;
  return {
    ...given(options, {
      portSecurity: 'port_security_enabled',
      device: 'device_id',
      deviceOwner: 'device_owner',
      macAddress: 'mac_address',
      host: 'binding:host_id',
    }),
    ...(options.enable ? { admin_state_up: true } : {}),
    ...(options.disable ? { admin_state_up: false } : {}),
    ...(securityGroup === undefined
      ? {}
      : { security_groups: await idsOf(networks, 'security-groups', securityGroup || []) }),
    ...(fixedIp ? { fixed_ips: await Promise.all(fixedIp.map((spec) => fixedIpOf(spec, networks))) } : {}),
    ...(allowedAddress ? { allowed_address_pairs: allowedAddress.map(pairOf) } : {}),
  };
}

async function fixedIpOf(spec: string, networks: NetworkApi) {
  if (!spec.includes('=')) return { ip_address: spec };
  const { subnet, 'ip-address': address } = fields('--fixed-ip', spec, ['subnet', 'ip-address']);
  return {
    ...(await idField(networks, 'subnet_id', ['subnets', subnet])),
    ...(address ? { ip_address: address } : {}),
  };
}

function pairOf(spec: string) {
  const { 'ip-address': ip, 'mac-address': mac } = fields('--allowed-address', spec, [
    'ip-address',
    'mac-address',
  ]);
  if (!ip) throw new UsageError(`--allowed-address ${spec}: expected ip-address=A`);
  return { ip_address: ip, ...(mac ? { mac_address: mac } : {}) };
}

function addressesText(row: Row): string {
  return (row as PortObject).fixed_ips.map(({ ip_address: address }) => address).join(', ');
}

function pairsText(row: Row): string {
  const pairs = row.allowed_address_pairs as readonly { ip_address: string; mac_address: string }[];
  return pairs.map((pair) => `${pair.ip_address} (${pair.mac_address})`).join(', ');
}
