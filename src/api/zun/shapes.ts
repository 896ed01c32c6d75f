/** Shapes of the replies, for the OpenAPI document and for the tests that compare them with what is really answered. */
import Type, { type TSchema } from 'typebox';
import { containerStatuses } from '../../model/container.ts';
import { quotaResources } from '../../model/container-record.ts';

const text = Type.String();
const textOrNull = Type.Union([Type.String(), Type.Null()]);
const flag = Type.Boolean();
const count = Type.Integer();
const texts = Type.Array(Type.String());
const map = Type.Record(Type.String(), Type.String());
const any = Type.Unknown();
const object = (properties: Record<string, TSchema>) =>
  Type.Object(properties, { additionalProperties: true });
const page = (name: string, item: TSchema) => object({ [name]: Type.Array(item), next: textOrNull });

export const nothing = Type.Null({ description: 'The four bytes `null`' });
const link = object({ href: text, rel: text });
const links = Type.Array(link);

const address = object({
  addr: text,
  version: count,
  port: text,
  subnet_id: textOrNull,
  preserve_on_delete: flag,
});
const listedContainer = {
  uuid: text,
  name: text,
  project_id: text,
  user_id: text,
  image: text,
  image_driver: text,
  command: texts,
  entrypoint: texts,
  status: Type.Enum([...containerStatuses]),
  status_reason: textOrNull,
  status_detail: textOrNull,
  task_state: textOrNull,
  cpu: Type.Number(),
  cpu_policy: text,
  memory: text,
  disk: Type.Number(),
  environment: map,
  workdir: textOrNull,
  ports: Type.Array(count),
  hostname: textOrNull,
  labels: map,
  addresses: Type.Record(Type.String(), Type.Array(address)),
  restart_policy: object({ Name: Type.Optional(text), MaximumRetryCount: Type.Optional(text) }),
  interactive: flag,
  tty: flag,
  security_groups: texts,
  auto_remove: flag,
  auto_heal: flag,
  healthcheck: object({}),
  registry_id: textOrNull,
  created_at: textOrNull,
  updated_at: textOrNull,
  host: Type.Optional(textOrNull),
  image_pull_policy: Type.Optional(textOrNull),
  privileged: Type.Optional(flag),
  runtime: Type.Optional(textOrNull),
  // From 1.41.
  cpu_limit: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
  pids_limit: Type.Optional(Type.Union([count, Type.Null()])),
  ulimits: Type.Optional(Type.Record(Type.String(), object({ soft: count, hard: count }))),
  shm_size: Type.Optional(Type.Union([count, Type.Null()])),
  tmpfs: Type.Optional(Type.Record(Type.String(), object({ size: Type.Optional(count) }))),
  read_only: Type.Optional(flag),
  user: Type.Optional(textOrNull),
  cap_add: Type.Optional(texts),
  cap_drop: Type.Optional(texts),
  sysctls: Type.Optional(map),
  extra_hosts: Type.Optional(map),
  dns: Type.Optional(texts),
  dns_search: Type.Optional(texts),
  stop_signal: Type.Optional(textOrNull),
  stop_grace: Type.Optional(Type.Union([count, Type.Null()])),
  init: Type.Optional(flag),
};
export const container = object({ links, ...listedContainer });
export const containers = page('containers', object(listedContainer));

export const deletedContainers = page(
  'deleted_containers',
  object({
    uuid: text,
    name: text,
    project_id: text,
    user_id: text,
    image: text,
    host: Type.Optional(text),
    created_at: text,
    deleted_at: text,
    deleted_by: text,
    request_id: text,
    kept_until: text,
    logs_bytes: Type.Union([count, Type.Null()]),
    logs_reason: textOrNull,
  }),
);

const action = {
  action: text,
  container_uuid: text,
  project_id: text,
  user_id: text,
  request_id: text,
  start_time: text,
  finish_time: textOrNull,
  message: textOrNull,
};
const event = object({
  event: text,
  start_time: text,
  finish_time: textOrNull,
  result: textOrNull,
  traceback: textOrNull,
});
export const containerActions = object({ containerActions: Type.Array(object(action)) });
export const containerAction = object({ ...action, events: Type.Array(event) });

export const logs = Type.String();
export const execution = object({
  output: textOrNull,
  exit_code: any,
  exec_id: textOrNull,
  proxy_url: textOrNull,
});
export const consoleAddress = Type.String({ pattern: '^wss?://' });
export const processes = object({ Titles: texts, Processes: Type.Array(texts) });
export const stats = object({
  CONTAINER: text,
  'CPU %': Type.Number(),
  'MEM USAGE(MiB)': Type.Number(),
  'MEM LIMIT(MiB)': Type.Number(),
  'MEM %': Type.Number(),
  'BLOCK I/O(B)': text,
  'NET I/O(B)': text,
});
export const networks = object({ networks: Type.Array(object({ net_id: text, port_id: text })) });
export const archive = object({
  data: text,
  stat: object({ name: text, size: count, mode: count, mtime: text, linkTarget: text }),
});

const service = { host: text, binary: text };
export const services = object({
  services: Type.Array(
    object({
      ...service,
      id: count,
      state: Type.Enum(['up', 'down']),
      disabled: flag,
      disabled_reason: textOrNull,
      forced_down: flag,
      last_seen_up: textOrNull,
      report_count: count,
      availability_zone: text,
      created_at: textOrNull,
      updated_at: textOrNull,
    }),
  ),
});
export const serviceSwitch = object({ service: object(service) });
export const host = object({
  uuid: text,
  links,
  hostname: text,
  mem_total: count,
  mem_used: Type.Number(),
  cpus: count,
  cpu_used: Type.Number(),
  disk_total: count,
  disk_used: Type.Number(),
  disk_quota_supported: flag,
  total_containers: count,
  architecture: text,
  os_type: text,
  os: text,
  kernel_version: text,
  labels: map,
  runtimes: texts,
  enable_cpu_pinning: flag,
  numa_topology: Type.Optional(
    object({ nodes: Type.Array(object({ id: count, cpuset: text, mem_total: count })) }),
  ),
  pci_devices: Type.Optional(
    Type.Array(
      object({
        address: text,
        vendor_id: text,
        product_id: text,
        class_id: text,
        numa_node: Type.Union([count, Type.Null()]),
      }),
    ),
  ),
});
export const hosts = page('hosts', host);
export const zones = page('availability_zones', object({ availability_zone: text }));

const each = (shape: TSchema) =>
  object({
    ...Object.fromEntries(quotaResources.map((name) => [name, shape])),
    quota_class: Type.Optional(textOrNull),
  });
export const quota = each(Type.Number());
export const quotaOrUsage = Type.Union([
  quota,
  each(object({ limit: Type.Number(), in_use: Type.Number() })),
]);

const listedRegistry = {
  uuid: text,
  name: textOrNull,
  domain: text,
  username: textOrNull,
  password: Type.Literal('***'),
  project_id: text,
  user_id: text,
};
export const registry = object({ registry: object({ links, ...listedRegistry }) });
export const registryTest = object({ works: flag, reason: textOrNull });
export const registries = page('registries', object(listedRegistry));

const countOrNull = Type.Union([count, Type.Null()]);
const listedWebhook = {
  uuid: text,
  name: textOrNull,
  url: text,
  events: texts,
  all_projects: flag,
  secret: text,
  enabled: flag,
  disabled_reason: textOrNull,
  project_id: text,
  user_id: text,
  created_at: text,
  updated_at: textOrNull,
  delivery: object({
    after: count,
    last_event_id: countOrNull,
    last_status: countOrNull,
    last_error: textOrNull,
    last_attempt_at: textOrNull,
    delivered_at: textOrNull,
    failures: count,
    failing_since: textOrNull,
    next_attempt_at: textOrNull,
  }),
};
export const webhook = object({ links, ...listedWebhook });
export const webhooks = page('webhooks', object(listedWebhook));
export const webhookTest = object({ works: flag, status: countOrNull, reason: textOrNull });

export const image = object({
  uuid: text,
  links,
  image_id: textOrNull,
  repo: text,
  tag: text,
  size: textOrNull,
  project_id: text,
  host: text,
});
export const images = page('images', image);
export const foundImages = Type.Array(object({ name: text, description: text, metadata: object({}) }));

export const policies = object({ policies: Type.Array(object({ rule: text, text, default: flag })) });
export const policyExplanation = object({
  rule: text,
  text,
  allowed: flag,
  roles: texts,
  checks: Type.Array(object({})),
});

const error = object({
  request_id: text,
  code: text,
  status: count,
  title: text,
  detail: text,
  links: Type.Array(any),
});
export const errors = object({ errors: Type.Array(error) });

const removal = { uuid: text, name: text, project_id: text };
export const removals = object({
  accepted: Type.Array(object(removal)),
  refused: Type.Array(object({ ...removal, status: Type.Enum([...containerStatuses]), error })),
  next: textOrNull,
});

/** `METHOD /path` → what success answers. An endpoint that is not here answers `null` or nothing. */
export const replies: Readonly<Record<string, TSchema>> = {
  'POST /containers': container,
  'GET /containers': containers,
  'DELETE /containers': removals,
  'GET /containers/:ident': container,
  'GET /deleted_containers': deletedContainers,
  'PATCH /containers/:ident': container,
  'POST /containers/:ident/resize_container': container,
  'POST /containers/:ident/rename': container,
  'GET /containers/:ident/logs': logs,
  'POST /containers/:ident/execute': execution,
  'GET /containers/:ident/attach': consoleAddress,
  'GET /containers/:ident/top': processes,
  'GET /containers/:ident/stats': stats,
  'GET /containers/:ident/network_list': networks,
  'GET /containers/:ident/container_actions': containerActions,
  'GET /containers/:ident/container_actions/:request': containerAction,
  'GET /containers/:ident/get_archive': archive,
  'GET /services': services,
  'PUT /services/enable': serviceSwitch,
  'PUT /services/disable': serviceSwitch,
  'PUT /services/force_down': serviceSwitch,
  'GET /hosts': hosts,
  'GET /hosts/:ident': host,
  'GET /availability_zones': zones,
  'GET /quotas/:project': quotaOrUsage,
  'GET /quotas/:project/defaults': quota,
  'PUT /quotas/:project': quota,
  'GET /quota_classes/:name': quota,
  'PUT /quota_classes/:name': quota,
  'GET /registries': registries,
  'POST /registries': registry,
  'GET /registries/:ident': registry,
  'PATCH /registries/:ident': registry,
  'POST /registries/:ident/test': registryTest,
  'GET /images': images,
  'POST /images': image,
  'GET /images/:ident': image,
  'GET /images/*': foundImages,
  'GET /events': Type.String({ description: 'Server-Sent Events' }),
  'GET /webhooks': webhooks,
  'POST /webhooks': webhook,
  'GET /webhooks/:ident': webhook,
  'PATCH /webhooks/:ident': webhook,
  'POST /webhooks/:ident/test': webhookTest,
  'GET /policies': policies,
  'GET /policies/:action/explain': policyExplanation,
};

export function replyOf({ method, path }: { readonly method: string; readonly path: string }): TSchema {
  return replies[`${method} ${path}`] ?? nothing;
}
