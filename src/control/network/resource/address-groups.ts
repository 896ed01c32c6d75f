/** Address groups in Neutron's JSON. */
import { type AddressGroup, isSharedWith } from '../../../model/network.ts';
import type { AddressGroupDraft } from '../address-groups.ts';
import { type Attribute, projectAttributes } from './attribute.ts';
import { listOf, text } from './parsers.ts';

const both = { parser: text, default: '', on: 'create-and-update' } as const;

export const addressGroupAttributes: readonly Attribute<AddressGroup, AddressGroupDraft>[] = [
  { name: 'id', view: (group) => group.id, column: 'id' },
  { name: 'name', view: (group) => group.name, column: 'name', field: 'name', ...both },
  { name: 'description', view: (group) => group.description, field: 'description', ...both },
  ...projectAttributes<AddressGroup, AddressGroupDraft>(),
  {
    name: 'addresses',
    view: (group) => group.addresses,
    field: 'addresses',
    parser: listOf(text),
    default: [],
    on: 'create',
  },
  { name: 'shared', view: (group, { projectId }) => isSharedWith(group, projectId) },
];
