/** `berth network …` */
import { integer, type OptionRow, type Setting } from '../define.ts';
import { defineDoctor } from './network-doctor.ts';
import { defineResource, given } from './network-resource.ts';
import { defineTopology } from './network-topology.ts';

const common: readonly OptionRow[] = [
  ['--mtu <bytes>', 'largest packet', integer],
  ['--share', 'let every project use it (administrators)'],
  ['--enable', 'carry traffic'],
  ['--disable', 'carry none'],
  ['--port-security', 'filter the traffic of its ports'],
  ['--no-port-security', 'do not'],
];

interface Options {
  readonly mtu?: number;
  readonly share?: boolean;
  readonly enable?: boolean;
  readonly disable?: boolean;
  readonly external?: boolean;
  readonly portSecurity?: boolean;
}

function fields(options: Options) {
  return {
    ...given(options, {
      mtu: 'mtu',
      share: 'shared',
      external: 'router:external',
      portSecurity: 'port_security_enabled',
    }),
    ...(options.enable ? { admin_state_up: true } : {}),
    ...(options.disable ? { admin_state_up: false } : {}),
  };
}

export function commands(setting: Setting): void {
  defineResource(setting, {
    word: 'network',
    called: 'network',
    collection: 'networks',
    columns: [
      { key: 'id' },
      { key: 'name' },
      { key: 'subnets' },
      { key: 'shared' },
      { key: 'router:external', title: 'EXTERNAL' },
      { key: 'status' },
    ],
    list: {
      options: [
        ['--name <name>', 'with this name'],
        ['--external', 'external networks only'],
        ['--share', 'shared networks only'],
        ['--project <id>', 'of this project (administrators)'],
      ],
      query: (options) =>
        given(options, {
          name: 'name',
          external: 'router:external',
          share: 'shared',
          project: 'project_id',
        }),
    },
    create: {
      options: [...common, ['--external', 'leads out of the cloud (administrators)']],
      fields: (options: Options) => fields(options),
      examples: [
        'berth network create back',
        'berth subnet create --network back --range 10.0.5.0/24 back-v4',
      ],
    },
    set: {
      options: [...common, ['--no-share', 'keep it to its project']],
      fields: (options: Options) => fields(options),
      examples: ['berth network set --name backend back', 'berth network set --disable back'],
    },
  });
  defineTopology(setting);
  defineDoctor(setting);
}
