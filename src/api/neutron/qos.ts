/**
 * Rules of QoS policies below their policy, the same by their own id (`alias_…`), and which types of rules there are.
 *
 * Hosts enforce bandwidth limits and nothing else: other types are listed (empty) and refused.
 */
import type { FastifyInstance } from 'fastify';
import type { BandwidthLimitDraft } from '../../control/network/qos-policies.ts';
import type { Table } from '../../control/network/resource/attribute.ts';
import { parseBody } from '../../control/network/resource/bodies.ts';
import { bandwidthLimitAttributes } from '../../control/network/resource/qos-policies.ts';
import { Failure } from '../../model/failure.ts';
import type { BandwidthLimit } from '../../model/network.ts';
import { unwrap } from './bodies.ts';
import type { NeutronOptions } from './options.ts';

interface OfPolicy {
  Params: { policy: string };
}
interface OfRule {
  Params: { policy: string; id: string };
}
interface WithId {
  Params: { id: string };
}

const table = bandwidthLimitAttributes as Table;
const unsupported = ['dscp_marking', 'minimum_bandwidth', 'minimum_packet_rate', 'packet_rate_limit'];
const ruleTypes = [{ type: 'bandwidth_limit' }];

export function registerQos(app: FastifyInstance, options: NeutronOptions): void {
  registerLimits(app, options);
  registerAliases(app, options);
  registerUnsupported(app, options);
  registerTypes(app);
}

function toView(limit: BandwidthLimit) {
  return {
    id: limit.id,
    max_kbps: limit.maxKbps,
    max_burst_kbps: limit.maxBurstKbps,
    direction: limit.direction,
  };
}

function registerLimits(app: FastifyInstance, { control: { qosPolicies } }: NeutronOptions): void {
  const path = '/v2.0/qos/policies/:policy/bandwidth_limit_rules';

  app.get<OfPolicy>(path, async ({ caller, params }) => ({
    bandwidth_limit_rules: (await qosPolicies.get(caller, params.policy)).bandwidthLimits.map(toView),
  }));

  app.post<OfPolicy>(path, async (request, reply) => {
    const draft = parseBody(table, unwrap(request, 'bandwidth_limit_rule'), 'create');
    const limit = await qosPolicies.addLimit(
      request.caller,
      request.params.policy,
      draft as unknown as BandwidthLimitDraft,
    );
    return reply.code(201).send({ bandwidth_limit_rule: toView(limit) });
  });

  app.get<OfRule>(`${path}/:id`, async ({ caller, params }) => ({
    bandwidth_limit_rule: toView(await qosPolicies.getLimit(caller, params.policy, params.id)),
  }));

  app.put<OfRule>(`${path}/:id`, async (request) => {
    const { policy, id } = request.params;
    const changes = parseBody(table, unwrap(request, 'bandwidth_limit_rule'), 'update');
    return {
      bandwidth_limit_rule: toView(await qosPolicies.changeLimit(request.caller, policy, id, changes)),
    };
  });

  app.delete<OfRule>(`${path}/:id`, async ({ caller, params }, reply) => {
    await qosPolicies.removeLimit(caller, params.policy, params.id);
    return reply.code(204).send();
  });
}

function registerAliases(app: FastifyInstance, { control: { qosPolicies } }: NeutronOptions): void {
  const path = '/v2.0/qos/alias_bandwidth_limit_rules/:id';
  const key = 'alias_bandwidth_limit_rule';

  app.get<WithId>(path, async ({ caller, params }) => {
    const policyId = await qosPolicies.policyOfLimit(caller, params.id);
    return { [key]: toView(await qosPolicies.getLimit(caller, policyId, params.id)) };
  });

  app.put<WithId>(path, async (request) => {
    const { caller, params } = request;
    const changes = parseBody(table, unwrap(request, key), 'update');
    const policyId = await qosPolicies.policyOfLimit(caller, params.id);
    return { [key]: toView(await qosPolicies.changeLimit(caller, policyId, params.id, changes)) };
  });

  app.delete<WithId>(path, async ({ caller, params }, reply) => {
    await qosPolicies.removeLimit(caller, await qosPolicies.policyOfLimit(caller, params.id), params.id);
    return reply.code(204).send();
  });
}

function registerUnsupported(app: FastifyInstance, { control: { qosPolicies } }: NeutronOptions): void {
  for (const type of unsupported) {
    const path = `/v2.0/qos/policies/:policy/${type}_rules`;

    app.get<OfPolicy>(path, async ({ caller, params }) => {
      await qosPolicies.get(caller, params.policy);
      return { [`${type}_rules`]: [] };
    });

    app.post<OfPolicy>(path, async () => {
      throw new Failure(
        'qos-rule-not-supported',
        `Rule ${type} is not supported: hosts enforce bandwidth_limit and nothing else.`,
      );
    });
  }
}

function registerTypes(app: FastifyInstance): void {
  app.get('/v2.0/qos/rule-types', async () => ({ rule_types: ruleTypes }));

  app.get<{ Params: { type: string } }>('/v2.0/qos/rule-types/:type', async ({ params }) => {
    const known = ruleTypes.find(({ type }) => type === params.type);
    if (known) return { rule_type: { ...known, drivers: [] } };
    throw new Failure('resource-not-found', `Rule type ${params.type} could not be found.`);
  });
}
