/** QoS policies and their rules in Neutron's JSON. */
import { type BandwidthLimit, isSharedWith, type QosPolicy } from '../../../model/network.ts';
import type { JsonObject } from '../../../wire/network-service.ts';
import type { BandwidthLimitDraft, QosPolicyDraft } from '../qos-policies.ts';
import { type Attribute, commonAttributes } from './attribute.ts';
import { boolean, integerBetween, oneOf } from './parsers.ts';

const both = { on: 'create-and-update' } as const;
const kilobits = integerBetween(0, 2 ** 31 - 1);

export const bandwidthLimitAttributes: readonly Attribute<BandwidthLimit, BandwidthLimitDraft>[] = [
  { name: 'id', view: (limit) => limit.id },
  {
    name: 'max_kbps',
    view: (limit) => limit.maxKbps,
    field: 'maxKbps',
    parser: kilobits,
    required: true,
    ...both,
  },
  {
    name: 'max_burst_kbps',
    view: (limit) => limit.maxBurstKbps,
    field: 'maxBurstKbps',
    parser: kilobits,
    default: 0,
    ...both,
  },
  {
    name: 'direction',
    view: (limit) => limit.direction,
    field: 'direction',
    parser: oneOf(['egress', 'ingress']),
    default: 'egress',
    ...both,
  },
];

/** A rule within its policy says also what it is. */
function toRuleView(policy: QosPolicy, limit: BandwidthLimit): JsonObject {
  return {
    id: limit.id,
    qos_policy_id: policy.id,
    type: 'bandwidth_limit',
    max_kbps: limit.maxKbps,
    max_burst_kbps: limit.maxBurstKbps,
    direction: limit.direction,
  };
}

export const qosPolicyAttributes: readonly Attribute<QosPolicy, QosPolicyDraft>[] = [
  ...commonAttributes<QosPolicy, QosPolicyDraft>(),
  {
    name: 'shared',
    view: (policy, { projectId }) => isSharedWith(policy, projectId),
    field: 'shared',
    parser: boolean,
    default: false,
    ...both,
  },
  {
    name: 'is_default',
    view: (policy) => policy.isDefault,
    field: 'isDefault',
    parser: boolean,
    default: false,
    ...both,
  },
  {
    name: 'rules',
    view: (policy) => policy.bandwidthLimits.map((limit) => toRuleView(policy, limit)),
    filter: false,
  },
];
