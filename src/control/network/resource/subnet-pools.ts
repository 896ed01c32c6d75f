/** Subnet pools in Neutron's JSON: prefix lengths are text, except in the answer to a change. */
import { isSharedWith, type SubnetPool } from '../../../model/network.ts';
import type { SubnetPoolDraft } from '../subnet-pools.ts';
import { type Attribute, commonAttributes, type Viewer } from './attribute.ts';
import { boolean, integerBetween, listOf, orNull, text, uuid } from './parsers.ts';

const both = { on: 'create-and-update' } as const;
const prefixLength = integerBetween(0, 128);
const shown = (length: number, { isChange }: Viewer) => (isChange ? length : String(length));

export const subnetPoolAttributes: readonly Attribute<SubnetPool, SubnetPoolDraft>[] = [
  ...commonAttributes<SubnetPool, SubnetPoolDraft>(),
  {
    name: 'prefixes',
    view: (pool) => pool.prefixes,
    field: 'prefixes',
    parser: listOf(text),
    filter: false,
    required: true,
    ...both,
  },
  { name: 'ip_version', view: (pool) => pool.ipVersion },
  {
    name: 'min_prefixlen',
    view: (pool, viewer) => shown(pool.minPrefixLength, viewer),
    field: 'minPrefixLength',
    parser: prefixLength,
    ...both,
  },
  {
    name: 'max_prefixlen',
    view: (pool, viewer) => shown(pool.maxPrefixLength, viewer),
    field: 'maxPrefixLength',
    parser: prefixLength,
    ...both,
  },
  {
    name: 'default_prefixlen',
    view: (pool, viewer) => shown(pool.defaultPrefixLength, viewer),
    field: 'defaultPrefixLength',
    parser: prefixLength,
    ...both,
  },
  {
    name: 'is_default',
    view: (pool) => pool.isDefault,
    field: 'isDefault',
    parser: boolean,
    default: false,
    ...both,
  },
  {
    name: 'shared',
    view: (pool, { projectId }) => isSharedWith(pool, projectId),
    field: 'shared',
    parser: boolean,
    default: false,
    on: 'create',
  },
  {
    name: 'default_quota',
    view: (pool) => pool.defaultQuota,
    field: 'defaultQuota',
    parser: orNull(integerBetween(0, 2 ** 31 - 1)),
    default: null,
    ...both,
  },
  {
    name: 'address_scope_id',
    view: (pool) => pool.addressScopeId,
    column: 'address_scope_id',
    field: 'addressScopeId',
    parser: orNull(uuid),
    default: null,
    ...both,
  },
];
