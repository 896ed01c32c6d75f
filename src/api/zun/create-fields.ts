/** The body of a create, field by field: schema, microversion and policy. zun-api.md 6.2 is the contract. */
import type { Config } from '../../base/config-schema.ts';
import { optionFields } from './container-options.ts';
import type { Fields } from './endpoint.ts';
import { ownMinor } from './microversion.ts';
import * as v from './vocabulary.ts';

export function createFields(config: Config) {
  const resources = v.resourceSchemas(config);
  return {
    image: { schema: v.image, required: true },
    name: { schema: v.nameOrNull },
    command: { schema: v.words, earlier: { until: 19, schema: v.textOrNull } },
    entrypoint: { schema: v.words, since: 40, below: 'unknown' },
    cpu: { schema: resources.cpu },
    cpu_policy: { schema: v.cpuPolicy },
    memory: { schema: resources.memory },
    disk: { schema: resources.disk },
    workdir: { schema: v.textOrNull },
    environment: { schema: v.environment },
    labels: { schema: v.labels },
    hostname: { schema: v.hostname, since: 9, below: 'refused' },
    image_driver: { schema: v.imageDriver },
    image_pull_policy: { schema: v.imagePullPolicy, policy: 'container:create:image_pull_policy' },
    interactive: { schema: v.plainBoolean },
    tty: { schema: v.plainBoolean },
    auto_remove: { schema: v.booleanOrNull, since: 3, below: 'refused' },
    auto_heal: { schema: v.plainBoolean },
    restart_policy: { schema: v.restartPolicy },
    security_groups: { schema: v.securityGroups },
    exposed_ports: { schema: v.exposedPorts, since: 24, below: 'refused' },
    nets: { schema: v.nets, earlier: { until: ownMinor - 1, schema: v.zunNets } },
    mounts: { schema: v.mounts, since: 11, below: 'refused' },
    hints: { schema: v.hints },
    availability_zone: { schema: v.zoneOrNull },
    host: {
      schema: v.hostname,
      since: 39,
      below: 'unknown',
      policy: 'container:create:requested_destination',
    },
    runtime: { schema: v.textOrNull, since: 5, below: 'refused', policy: 'container:create:runtime' },
    privileged: {
      schema: v.plainBoolean,
      since: 21,
      below: 'refused',
      policy: 'container:create:privileged',
    },
    healthcheck: { schema: v.healthcheck, since: 22, below: 'refused' },
    registry: { schema: v.registryName, since: 31, below: 'refused' },
    ...optionFields(config),
  } as const satisfies Fields;
}
export type CreateFields = ReturnType<typeof createFields>;
