/** Policies that share objects, in Neutron's JSON. */
import type { RbacPolicy } from '../../../model/network.ts';
import type { RbacPolicyDraft } from '../rbac-policies.ts';
import { type Attribute, projectAttributes } from './attribute.ts';
import { text, uuid, uuidOrHex } from './parsers.ts';

export const rbacPolicyAttributes: readonly Attribute<RbacPolicy, RbacPolicyDraft>[] = [
  { name: 'id', view: (policy) => policy.id, column: 'id' },
  ...projectAttributes<RbacPolicy, RbacPolicyDraft>(),
  {
    name: 'object_type',
    view: (policy) => policy.objectType,
    column: 'object_type',
    field: 'objectType',
    parser: text,
    on: 'create',
    required: true,
  },
  {
    name: 'object_id',
    view: (policy) => policy.objectId,
    column: 'object_id',
    field: 'objectId',
    parser: uuid,
    on: 'create',
    required: true,
  },
  {
    name: 'action',
    view: (policy) => policy.action,
    column: 'action',
    field: 'action',
    parser: text,
    on: 'create',
    required: true,
  },
  {
    name: 'target_tenant',
    view: (policy) => policy.targetProject,
    column: 'target_project',
    field: 'targetProject',
    parser: { ...uuidOrHex, type: 'project id, or `*` for all' },
    on: 'create-and-update',
    required: true,
  },
];
