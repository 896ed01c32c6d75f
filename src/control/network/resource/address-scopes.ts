/** Address scopes in Neutron's JSON. */
import { type AddressScope, isSharedWith } from '../../../model/network.ts';
import type { AddressScopeDraft } from '../address-scopes.ts';
import { type Attribute, projectAttributes } from './attribute.ts';
import { boolean, ipVersion, text } from './parsers.ts';

export const addressScopeAttributes: readonly Attribute<AddressScope, AddressScopeDraft>[] = [
  { name: 'id', view: (scope) => scope.id, column: 'id' },
  {
    name: 'name',
    view: (scope) => scope.name,
    column: 'name',
    field: 'name',
    parser: text,
    default: '',
    on: 'create-and-update',
  },
  ...projectAttributes<AddressScope, AddressScopeDraft>(),
  {
    name: 'ip_version',
    view: (scope) => scope.ipVersion,
    field: 'ipVersion',
    parser: ipVersion,
    on: 'create',
    required: true,
  },
  {
    name: 'shared',
    view: (scope, { projectId }) => isSharedWith(scope, projectId),
    field: 'shared',
    parser: boolean,
    default: false,
    on: 'create-and-update',
  },
];
