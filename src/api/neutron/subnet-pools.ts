/** What is done with a subnet pool besides changing its attributes: prefixes in and out, subnets taken in. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { listOf, text, uuid } from '../../control/network/resource/parsers.ts';
import { Failure } from '../../model/failure.ts';
import { bodyOf } from './bodies.ts';
import type { NeutronOptions } from './options.ts';

interface WithId {
  Params: { id: string };
}

export function registerSubnetPoolActions(app: FastifyInstance, { control }: NeutronOptions): void {
  const { subnetPools } = control;
  const path = '/v2.0/subnetpools/:id';

  app.put<WithId>(`${path}/add_prefixes`, async (request) => ({
    prefixes: await subnetPools.addPrefixes(request.caller, request.params.id, prefixesIn(request)),
  }));

  app.put<WithId>(`${path}/remove_prefixes`, async (request) => ({
    prefixes: await subnetPools.removePrefixes(request.caller, request.params.id, prefixesIn(request)),
  }));

  app.put<WithId>(`${path}/onboard_network_subnets`, async (request) => {
    const networkId = uuid.parse(bodyOf(request).network_id, 'network_id');
    return subnetPools.onboard(request.caller, request.params.id, networkId);
  });
}

function prefixesIn(request: FastifyRequest): readonly string[] {
  const prefixes = listOf(text).parse(bodyOf(request).prefixes ?? null, 'prefixes');
  if (prefixes.length > 0) return prefixes;
  throw new Failure('invalid-value', 'Request body contains invalid data');
}
