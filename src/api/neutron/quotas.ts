/** Quotas of projects: shown, with use, set and reset. */
import type { FastifyInstance } from 'fastify';
import { type Quota, type QuotaResource, quotaResources } from '../../control/network/quotas.ts';
import { boolean, integerBetween } from '../../control/network/resource/parsers.ts';
import { Failure } from '../../model/failure.ts';
import { type Body, unwrap } from './bodies.ts';
import type { NeutronOptions } from './options.ts';

interface WithProject {
  Params: { project: string };
}

const limit = integerBetween(-1, 2 ** 31 - 1);

export function registerQuotas(app: FastifyInstance, { control: { quotas } }: NeutronOptions): void {
  app.get('/v2.0/quotas', async ({ caller }) => ({
    quotas: (await quotas.list(caller)).map(({ projectId, quota }) => ({
      ...quota,
      tenant_id: projectId,
      project_id: projectId,
    })),
  }));

  app.get<WithProject>('/v2.0/quotas/:project', async ({ caller, params }) => ({
    quota: await quotas.get(caller, params.project),
  }));

  app.get<WithProject>('/v2.0/quotas/:project/default', async ({ caller, params }) => ({
    quota: quotas.defaults(caller, params.project),
  }));

  for (const path of ['/v2.0/quotas/:project/details', '/v2.0/quotas/:project/details.json']) {
    app.get<WithProject>(path, async ({ caller, params }) => {
      const details = Object.entries(await quotas.details(caller, params.project));
      return {
        quota: Object.fromEntries(
          details.map(([resource, { limit: of, used }]) => [resource, { limit: of, used, reserved: 0 }]),
        ),
      };
    });
  }

  app.put<WithProject>('/v2.0/quotas/:project', async (request) => {
    const { amounts, checkUse } = parseQuota(unwrap(request, 'quota'));
    return { quota: await quotas.update(request.caller, request.params.project, amounts, { checkUse }) };
  });

  app.delete<WithProject>('/v2.0/quotas/:project', async ({ caller, params }, reply) => {
    await quotas.reset(caller, params.project);
    return reply.code(204).send();
  });
}

function isQuotaResource(name: string): name is QuotaResource {
  return Object.hasOwn(quotaResources, name);
}

/** Besides limits: `check_limit` asks to refuse limits below what is in use, `force` not to. */
function parseQuota(body: Body): { amounts: Partial<Quota>; checkUse: boolean } {
  const { check_limit = false, force = false, tenant_id: _t, project_id: _p, ...limits } = body;
  const unknown = Object.keys(limits).filter((name) => !isQuotaResource(name));
  if (unknown.length > 0) {
    throw new Failure('invalid-value', `Unrecognized attribute(s) '${unknown.join(', ').slice(0, 200)}'`);
  }
  const amounts = Object.entries(limits).map(([name, value]) => [name, limit.parse(value, name)]);
  const checkUse = boolean.parse(check_limit, 'check_limit') && !boolean.parse(force, 'force');
  return { amounts: Object.fromEntries(amounts), checkUse };
}
