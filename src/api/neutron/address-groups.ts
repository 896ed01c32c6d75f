/** Addresses into and out of an address group. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { listOf, text } from '../../control/network/resource/parsers.ts';
import { bodyOf } from './bodies.ts';
import type { NeutronOptions } from './options.ts';

interface WithId {
  Params: { id: string };
}

export function registerAddressGroupActions(app: FastifyInstance, { control }: NeutronOptions): void {
  const { addressGroups, resources } = control;
  const verbs = {
    add_addresses: addressGroups.addAddresses,
    remove_addresses: addressGroups.removeAddresses,
  } as const;
  for (const [verb, act] of Object.entries(verbs)) {
    app.put<WithId>(`/v2.0/address-groups/:id/${verb}`, async (request) => {
      const { caller, params } = request;
      await act(caller, params.id, addressesIn(request));
      return { address_group: await resources.get({ caller }, 'address-groups', params.id) };
    });
  }
}

function addressesIn(request: FastifyRequest): readonly string[] {
  return listOf(text).parse(bodyOf(request).addresses ?? null, 'addresses');
}
