/** Security groups and their rules in Neutron's JSON. */
import { isSharedWith, type SecurityGroup, type SecurityGroupRule } from '../../../model/network.ts';
import type { JsonObject } from '../../../wire/network-service.ts';
import type { RuleDraft } from '../rule-rules.ts';
import type { SecurityGroupDraft } from '../security-groups.ts';
import {
  type Attribute,
  commonAttributes,
  projectAttributes,
  type Viewer,
  versionAttributes,
} from './attribute.ts';
import { boolean, integer, oneOf, orNull, type Parser, text, uuid } from './parsers.ts';

/** Protocols come as names or as numbers. */
const protocol: Parser<string | null> = orNull({
  type: 'protocol by name or number',
  parse: (value, name) => text.parse(typeof value === 'number' ? String(value) : value, name),
});

export const ruleAttributes: readonly Attribute<SecurityGroupRule, RuleDraft>[] = [
  { name: 'id', view: (rule) => rule.id, column: 'id' },
  ...projectAttributes<SecurityGroupRule, RuleDraft>(),
  {
    name: 'security_group_id',
    view: (rule) => rule.securityGroupId,
    column: 'security_group_id',
    field: 'securityGroupId',
    parser: uuid,
    on: 'create',
    required: true,
  },
  {
    name: 'direction',
    view: (rule) => rule.direction,
    column: 'direction',
    field: 'direction',
    parser: oneOf(['ingress', 'egress']),
    on: 'create',
    required: true,
  },
  {
    name: 'ethertype',
    view: (rule) => rule.ethertype,
    column: 'ethertype',
    field: 'ethertype',
    parser: text,
    on: 'create',
    default: 'IPv4',
  },
  {
    name: 'protocol',
    view: (rule) => rule.protocol,
    column: 'protocol',
    field: 'protocol',
    parser: protocol,
    on: 'create',
    default: null,
  },
  {
    name: 'port_range_min',
    view: (rule) => rule.portRangeMin,
    field: 'portRangeMin',
    parser: orNull(integer),
    on: 'create',
    default: null,
  },
  {
    name: 'port_range_max',
    view: (rule) => rule.portRangeMax,
    field: 'portRangeMax',
    parser: orNull(integer),
    on: 'create',
    default: null,
  },
  {
    name: 'remote_ip_prefix',
    view: (rule) => rule.givenIpPrefix,
    field: 'remoteIpPrefix',
    parser: orNull(text),
    on: 'create',
    default: null,
  },
  { name: 'normalized_cidr', view: (rule) => rule.remoteIpPrefix },
  {
    name: 'remote_group_id',
    view: (rule) => rule.remoteGroupId,
    column: 'remote_group_id',
    field: 'remoteGroupId',
    parser: orNull(uuid),
    on: 'create',
    default: null,
  },
  {
    name: 'remote_address_group_id',
    view: (rule) => rule.remoteAddressGroupId,
    column: 'remote_address_group_id',
    field: 'remoteAddressGroupId',
    parser: orNull(uuid),
    on: 'create',
    default: null,
  },
  {
    name: 'description',
    view: (rule) => rule.description,
    field: 'description',
    parser: text,
    on: 'create-and-update',
    default: '',
  },
  ...versionAttributes<SecurityGroupRule>(),
];

function toRuleView(rule: SecurityGroupRule, viewer: Viewer): JsonObject {
  return Object.fromEntries(
    ruleAttributes.flatMap(({ name, view }) => (view ? [[name, view(rule, viewer)]] : [])),
  );
}

export const securityGroupAttributes: readonly Attribute<SecurityGroup, SecurityGroupDraft>[] = [
  ...commonAttributes<SecurityGroup, SecurityGroupDraft>(),
  {
    name: 'stateful',
    view: (group) => group.stateful,
    field: 'stateful',
    parser: boolean,
    on: 'create-and-update',
    default: true,
  },
  { name: 'shared', view: (group, { projectId }) => isSharedWith(group, projectId) },
  {
    name: 'security_group_rules',
    view: (group, viewer) => group.rules.map((rule) => toRuleView(rule, viewer)),
    filter: false,
  },
];
