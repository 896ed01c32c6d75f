/** What the service says about itself: versions, resources, extensions, availability zones. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { resourceKinds } from '../../control/network/resource/kinds.ts';
import { Failure } from '../../model/failure.ts';
import { baseUrlOf } from '../base-url.ts';
import { extensions } from './extensions.ts';
import type { NeutronOptions } from './options.ts';

export function registerDocuments(app: FastifyInstance, { config }: NeutronOptions): void {
  const rootOf = (request: FastifyRequest) => `${baseUrlOf(request, config)}/network/v2.0/`;

  app.get('/', { config: { isPublic: true } }, async (request) => ({
    versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: rootOf(request) }] }],
  }));

  app.get('/v2.0', async (request) => ({
    resources: Object.entries(resourceKinds).map(([path, { singular, plural }]) => ({
      name: singular,
      collection: plural,
      links: [{ rel: 'self', href: `${rootOf(request)}${path}` }],
    })),
  }));

  app.get('/v2.0/extensions', async () => ({ extensions }));

  app.get<{ Params: { alias: string } }>('/v2.0/extensions/:alias', async ({ params }) => {
    const extension = extensions.find(({ alias }) => alias === params.alias);
    if (extension) return { extension };
    throw new Failure('extension-not-found', `Extension with alias ${params.alias} does not exist`);
  });

  app.get('/v2.0/availability_zones', async () => ({
    availability_zones: ['network', 'router'].map((resource) => ({
      name: config.agent.availabilityZone,
      resource,
      state: 'available',
    })),
  }));
}
