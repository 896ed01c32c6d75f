/**
 * The network API's reference, written from the tables that the API works by: docs/guide/network-api.md is exactly
 * this text, which a test holds.
 */
import type { AnyAttribute } from '../../control/network/resource/attribute.ts';
import { type ResourceKind, resourceKinds } from '../../control/network/resource/kinds.ts';
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

export function networkApiReference(): string {
  const sections = Object.entries(resourceKinds).map(([path, kind]) => section(path, kind));
  const aliases = extensions.map(({ alias, name }) => `| \`${alias}\` | ${name} |`);
  return [
    introduction,
    ...sections,
    ['## Extensions', '', '| alias | what |', '|---|---|', ...aliases, ''].join('\n'),
  ].join('\n');
}

function section(path: string, kind: ResourceKind): string {
  const methods = kind.isReadOnly ? 'list, show' : 'create, list, show, update, delete';
  const rows = kind.table.map(
    (attribute) =>
      `| \`${attribute.name}\` | ${typeOf(attribute)} | ${givenAt(attribute)} | ${defaultOf(attribute)} | ${filters(attribute)} |`,
  );
  return [
    `## /v2.0/${path}`,
    '',
    `Methods: ${methods}${kind.isTagged ? '; `tags` below each' : ''}. Keys: \`${kind.singular}\`, \`${kind.plural}\`.`,
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

function givenAt({ only, field, on, required }: AnyAttribute): string {
  if (only !== undefined) return 'create, update';
  if (field === undefined) return '';
  const when = on === 'create' ? 'create' : 'create, update';
  return required ? `${when}; required` : when;
}

function defaultOf({ default: value }: AnyAttribute): string {
  return value === undefined ? '' : `\`${JSON.stringify(value)}\``;
}

function filters({ filter, view }: AnyAttribute): string {
  return filter === false || view === undefined ? '' : 'yes';
}
