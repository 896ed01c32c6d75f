/** What the service says about itself: versions, resources, extensions, availability zones. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { resourceKinds } from '../../control/network/resource/kinds.ts';
import { baseUrlOf } from '../base-url.ts';
import { extensions } from './extensions.ts';
import type { NeutronOptions } from './options.ts';

const noSuchExtension = `<html>
 <head>
  <title>404 Not Found</title>
 </head>
 <body>
  <h1>404 Not Found</h1>
  The resource could not be found.<br /><br />
 </body>
</html>`;

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

  // Clients take a page for an answer here: it is what Neutron's web framework says, not Neutron.
  app.get<{ Params: { alias: string } }>('/v2.0/extensions/:alias', async ({ params }, reply) => {
    const extension = extensions.find(({ alias }) => alias === params.alias);
    if (extension) return { extension };
    return reply.code(404).type('text/html; charset=UTF-8').send(noSuchExtension);
  });

  app.get('/v2.0/availability_zones', async () => ({
    availability_zones: ['network', 'router'].map((resource) => ({
      name: config.agent.availabilityZone,
      resource,
      state: 'available',
    })),
  }));
}
