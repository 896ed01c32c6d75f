/** Rules that are about a field, a flag or other projects, and those that let everybody read: asked by who may and by who may not. */
import type { Row } from './row.ts';

type Given = Partial<Omit<Row, 'area' | 'of'>> & Pick<Row, 'method' | 'url'>;

const admin = { token: 'admin' };
const reader = { token: 'reader-of-alice' };
const forbidden = { status: 403, code: 'policy-not-authorized' } as const;
const create = (field: object): Given => ({
  method: 'POST',
  url: '/containers',
  body: { image: 'busybox', ...field },
});
const look = (url: string): Given => ({ method: 'GET', url });

/** Members may not, administrators may, with that status. */
function admins(of: string, given: Given, status: number): Row[] {
  const says = new RegExp(`^Policy doesn't allow ${of} to be performed\\.$`);
  return [
    { area: 'policy', of, ...given, ...forbidden, says },
    { area: 'policy', of, ...given, ...admin, status },
  ];
}

/** Who reads a project reads that, too; with `stranger` = the status for somebody else. */
function readers(of: string, given: Given, stranger?: number): Row[] {
  return [
    { area: 'policy', of, ...given, ...reader, status: 200 },
    ...(stranger === undefined
      ? []
      : [{ area: 'policy', of, ...given, token: 'bob', ...forbidden, status: stranger } as const]),
  ];
}

function field(name: string): Row[] {
  const of = `container:get_one:${name}`;
  const shown = { area: 'policy', of, method: 'GET', url: '/containers/{web}', status: 200 } as const;
  const key = new RegExp(`"${name}":`);
  return [
    { ...shown, hides: key },
    { ...shown, ...admin, shows: key },
  ];
}

const failedAction = look('/containers/{web}/container_actions/{failed}');

export const morePolicyRows: readonly Row[] = [
  ...admins('container:create:runtime', create({ runtime: 'runc' }), 202),
  ...admins('container:create:image_pull_policy', create({ image_pull_policy: 'always' }), 202),
  ...admins('container:create:requested_destination', create({ host: 'host-1' }), 202),
  { area: 'policy', of: 'container:create:privileged', ...create({ privileged: true }), ...forbidden },
  {
    area: 'policy',
    of: 'container:create:privileged',
    ...create({ privileged: true }),
    ...admin,
    ...forbidden,
  },
  ...admins('container:delete_force', { method: 'DELETE', url: '/containers/{web}?force=true' }, 204),
  ...admins(
    'container:delete_all_projects',
    { method: 'DELETE', url: '/containers/{box}?all_projects=true' },
    204,
  ),
  ...admins('container:get_one_all_projects', look('/containers/{web}?all_projects=true'), 200),
  ...admins('container:get_all_all_projects', look('/containers?all_projects=true'), 200),
  ...field('host'),
  ...field('image_pull_policy'),
  ...field('privileged'),
  ...field('runtime'),
  ...admins('container:get_one:host', look('/containers?host=host-1'), 200),
  { area: 'policy', of: 'container:action:events', ...failedAction, status: 200, shows: /"traceback":null/ },
  {
    area: 'policy',
    of: 'container:action:events',
    ...failedAction,
    ...admin,
    status: 200,
    shows: /"traceback":"it will not"/,
  },
  {
    area: 'policy',
    of: 'network:attach_external_network',
    ...create({ nets: [{ network: 'public' }] }),
    status: 403,
    code: 'external-network-attach-forbidden',
  },
  {
    area: 'policy',
    of: 'network:attach_external_network',
    ...create({ nets: [{ network: 'public' }] }),
    ...admin,
    status: 202,
  },
  ...admins('registry:get_all_all_projects', look('/registries?all_projects=true'), 200),
  ...readers('container:get_all', look('/containers')),
  ...readers('registry:get_all', look('/registries')),
  ...readers('image:search', look('/images/nginx/search')),
  ...readers('availability_zones:get_all', look('/availability_zones')),
  ...readers('quota:get', look('/quotas/alice'), 403),
  ...readers('quota:get_default', look('/quotas/alice/defaults'), 403),
];
