/**
 * The tables of Zun's API as Zun has them (release of 2025-06, microversions 1.1 to 1.40), independent of what is built here: the contract
 * test compares both. What cannot occur here, or is otherwise by intention, says why.
 */

/** `[method, path, since, until]`. */
export const zunRoutes: readonly (readonly [string, string, number?, number?])[] = [
  ['GET', '/containers'],
  ['POST', '/containers'],
  ['GET', '/containers/:ident'],
  ['PATCH', '/containers/:ident'],
  ['DELETE', '/containers/:ident'],
  ['POST', '/containers/:ident/start'],
  ['POST', '/containers/:ident/stop'],
  ['POST', '/containers/:ident/reboot'],
  ['POST', '/containers/:ident/pause'],
  ['POST', '/containers/:ident/unpause'],
  ['POST', '/containers/:ident/kill'],
  ['POST', '/containers/:ident/rename', 1, 13],
  ['POST', '/containers/:ident/rebuild'],
  ['POST', '/containers/:ident/resize_container', 19],
  ['POST', '/containers/:ident/resize'],
  ['GET', '/containers/:ident/logs'],
  ['POST', '/containers/:ident/execute'],
  ['POST', '/containers/:ident/execute_resize'],
  ['GET', '/containers/:ident/attach'],
  ['GET', '/containers/:ident/top'],
  ['GET', '/containers/:ident/stats'],
  ['GET', '/containers/:ident/get_archive'],
  ['POST', '/containers/:ident/put_archive'],
  ['POST', '/containers/:ident/commit'],
  ['GET', '/containers/:ident/network_list', 13],
  ['POST', '/containers/:ident/network_attach', 8],
  ['POST', '/containers/:ident/network_detach', 6],
  ['POST', '/containers/:ident/add_security_group', 1, 14],
  ['POST', '/containers/:ident/remove_security_group', 1, 14],
  ['GET', '/containers/:ident/container_actions'],
  ['GET', '/containers/:ident/container_actions/:request'],
  ['GET', '/capsules'],
  ['POST', '/capsules'],
  ['GET', '/capsules/:ident'],
  ['DELETE', '/capsules/:ident'],
  ['GET', '/images'],
  ['POST', '/images'],
  ['GET', '/images/:ident'],
  ['DELETE', '/images/:ident'],
  // Names of images have slashes in them: `/images/<name>/search`.
  ['GET', '/images/*'],
  ['GET', '/services'],
  ['PUT', '/services/enable'],
  ['PUT', '/services/disable'],
  ['PUT', '/services/force_down'],
  ['DELETE', '/services'],
  ['GET', '/hosts', 4],
  ['GET', '/hosts/:ident', 4],
  ['POST', '/networks'],
  ['DELETE', '/networks/:ident', 27],
  ['GET', '/quotas/:project'],
  ['GET', '/quotas/:project/defaults'],
  ['PUT', '/quotas/:project'],
  ['DELETE', '/quotas/:project'],
  ['GET', '/quota_classes/:name'],
  ['PUT', '/quota_classes/:name'],
  ['GET', '/availability_zones'],
  ['GET', '/registries'],
  ['POST', '/registries'],
  ['GET', '/registries/:ident'],
  ['PATCH', '/registries/:ident'],
  ['DELETE', '/registries/:ident'],
];

/** Without a token and outside of /v1's versions. */
export const zunOpenRoutes = ['GET /', 'GET /v1', 'GET /healthcheck'] as const;

const withCapsules = 'capsules are not offered yet: 501';
const withVolumes = 'volumes are not offered yet: 501';
const bySchema = 'the schema refuses it before: `schema-validation-error`';

/** Code → status; with a reason where no request is answered with it. */
export const zunErrors: Readonly<Record<string, readonly [status: number, never?: string]>> = {
  'schema-validation-error': [400],
  'validation-error': [400],
  invalid: [400],
  'invalid-value': [400],
  'invalid-parameter-value': [400],
  'invalid-param-in-version': [400],
  'image-not-found': [400],
  'port-not-usable': [400],
  'port-in-use': [400],
  'port-binding-failed': [400, 'no port of this network service is ever `binding_failed`'],
  'volume-not-usable': [400, withVolumes],
  'volume-in-use': [400, withVolumes],
  'volume-create-failed': [400, withVolumes],
  'volume-delete-failed': [400, withVolumes],
  'no-interactive-flag': [400],
  'security-group-cannot-be-applied': [
    400,
    'the request is answered (202) before the ports change: that it failed is in `status_reason` and the action log',
  ],
  'security-group-cannot-be-removed': [400, 'as `security-group-cannot-be-applied`'],
  'invalid-quota-value': [400, bySchema],
  'policy-not-authorized': [403],
  'external-network-attach-forbidden': [403],
  'over-quota': [403],
  'container-not-found': [404],
  'capsule-not-found': [404, withCapsules],
  'compute-node-not-found': [404],
  'network-not-found': [404],
  'port-not-found': [404],
  'volume-not-found': [404, withVolumes],
  'registry-not-found': [404],
  'zun-service-not-found': [404],
  'resource-not-found': [404],
  'requested-host-not-found': [404],
  'project-quota-not-found': [404, 'a project without limits of its own has the defaults'],
  'quota-class-not-found': [404],
  'quota-resource-unknown': [404, bySchema],
  conflict: [409],
  'invalid-state-exception': [409],
  'container-already-exists': [409],
  'image-already-exists': [409],
  'network-already-exists': [409, 'networks of the engine are not offered yet: 501'],
  'registry-already-exists': [409, 'names of registries need not be unique'],
};

/** Codes that the router answers, without a name. */
export const zunRouterStatuses = [404, 405, 406, 415] as const;

export const zunStatuses = [
  ...[
    'Creating',
    'Created',
    'Running',
    'Stopped',
    'Paused',
    'Restarting',
    'Rebuilding',
    'Deleting',
    'Deleted',
  ],
  ...['Dead', 'Error', 'Unknown'],
] as const;

export const zunTaskStates = [
  ...[
    'image_pulling',
    'container_creating',
    'container_starting',
    'container_deleting',
    'container_stopping',
  ],
  ...['container_rebooting', 'container_pausing', 'container_unpausing', 'container_killing', 'sg_adding'],
  ...['sg_removing', 'network_attaching', 'network_detaching', 'container_rebuilding'],
] as const;

const changeable = ['Created', 'Running', 'Stopped', 'Paused'];
const notGone = zunStatuses.filter((status) => status !== 'Deleting' && status !== 'Deleted');

/** Action → statuses. */
export const zunAllowed: Readonly<Record<string, readonly string[]>> = {
  start: ['Created', 'Stopped', 'Error'],
  ...Object.fromEntries(
    ['stop', 'pause', 'kill', 'execute', 'execute_resize', 'attach', 'resize', 'top', 'stats'].map(
      (action) => [action, ['Running']],
    ),
  ),
  unpause: ['Paused'],
  reboot: ['Created', 'Running', 'Stopped', 'Error'],
  rebuild: ['Created', 'Running', 'Stopped', 'Error'],
  update: changeable,
  resize_container: changeable,
  add_security_group: changeable,
  remove_security_group: changeable,
  get_archive: changeable,
  put_archive: changeable,
  commit: ['Running', 'Stopped', 'Paused'],
  logs: ['Created', 'Error', 'Paused', 'Running', 'Stopped', 'Unknown'],
  delete: ['Created', 'Error', 'Stopped', 'Deleted', 'Dead'],
  delete_force: zunStatuses.filter((status) => status !== 'Paused'),
  delete_after_stop: ['Running', 'Created', 'Error', 'Stopped', 'Deleted', 'Dead'],
  // Zun: any. What is going or gone is on no network any more.
  network_attach: notGone,
  network_detach: notGone,
};

/** Allowed in any status. */
export const zunAnywhere = ['rename', 'show', 'network_list', 'container_actions'] as const;

type Default = 'owner' | 'admin' | 'nobody';

const rules = (prefix: string, names: string, byDefault: Default) =>
  names.split(' ').map((name) => [`${prefix}:${name}`, byDefault] as const);

/** Rule → who may by default. */
export const zunPolicies: Readonly<Record<string, Default>> = Object.fromEntries([
  ...rules(
    'container',
    'create delete get_one get_all update start stop reboot pause unpause logs execute execute_resize kill rename attach resize top ' +
      'get_archive put_archive stats commit add_security_group remove_security_group network_attach network_detach rebuild ' +
      'resize_container actions',
    'owner',
  ),
  ...rules(
    'container',
    'create:runtime create:image_pull_policy create:requested_destination delete_all_projects delete_force get_one:host ' +
      'get_one:image_pull_policy get_one:privileged get_one:runtime get_one_all_projects get_all_all_projects action:events',
    'admin',
  ),
  ...rules('container', 'create:privileged', 'nobody'),
  ...rules('capsule', 'create delete get get_all', 'owner'),
  ...rules('capsule', 'delete_all_projects get:host get_one_all_projects get_all_all_projects', 'admin'),
  ...rules('image', 'pull get_all get_one delete', 'admin'),
  ...rules('image', 'search', 'owner'),
  ...rules('zun-service', 'get_all enable disable force_down delete', 'admin'),
  ...rules('host', 'get_all get', 'admin'),
  ...rules('network', 'create delete attach_external_network', 'admin'),
  ...rules('quota', 'get get_default', 'owner'),
  ...rules('quota', 'update delete', 'admin'),
  ...rules('quota_class', 'get update', 'admin'),
  ...rules('availability_zones', 'get_all', 'owner'),
  ...rules('registry', 'create delete get_one get_all update', 'owner'),
  ...rules('registry', 'get_all_all_projects', 'admin'),
]);

/** Rules that no request asks yet. */
export const unaskedPolicies: Readonly<Record<string, string>> = Object.fromEntries(
  ['delete_all_projects', 'get:host', 'get_one_all_projects', 'get_all_all_projects'].map((name) => [
    `capsule:${name}`,
    withCapsules,
  ]),
);

/** Of 1.2 to 1.40, those whose change cannot be seen here. */
export const unseenVersions: Readonly<Record<string, string>> = Object.fromEntries(
  [16, 32, 34, 35, 37, 38].map((minor) => [`1.${minor}`, withCapsules]),
);

/** What Zun gets wrong, and what is right instead, is in ./zun-quirk-rows.ts; of these there is nothing to ask. */
export const unaskedQuirks: Readonly<Record<string, string>> = {
  'init containers leak their restart policy': withCapsules,
};
