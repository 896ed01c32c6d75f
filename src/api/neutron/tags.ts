/** Tags of a resource: the whole list, or one at a time. */
import type { FastifyInstance } from 'fastify';
import { type ResourceName, resourceKinds } from '../../control/network/resource/kinds.ts';
import { Failure } from '../../model/failure.ts';
import type { NeutronOptions } from './options.ts';

interface WithId {
  Params: { id: string };
}
interface WithTag {
  Params: { id: string; tag: string };
}

export function registerTags(app: FastifyInstance, { control }: NeutronOptions): void {
  const { tags } = control.resources;
  for (const name of Object.keys(resourceKinds) as ResourceName[]) {
    if (!resourceKinds[name].isTagged) continue;
    const path = `/v2.0/${name}/:id/tags`;

    app.get<WithId>(path, async ({ caller, params }) => ({ tags: await tags.get(caller, name, params.id) }));

    app.put<WithId>(path, async ({ caller, params, body }) => ({
      tags: await tags.replace(caller, name, params.id, tagsIn(body)),
    }));

    app.delete<WithId>(path, async ({ caller, params }, reply) => {
      await tags.replace(caller, name, params.id, []);
      return reply.code(204).send();
    });

    app.get<WithTag>(`${path}/:tag`, async ({ caller, params }, reply) => {
      await tags.has(caller, name, params.id, params.tag);
      return reply.code(204).send();
    });

    app.put<WithTag>(`${path}/:tag`, async ({ caller, params }, reply) => {
      await tags.add(caller, name, params.id, params.tag);
      return reply.code(201).send();
    });

    app.delete<WithTag>(`${path}/:tag`, async ({ caller, params }, reply) => {
      await tags.remove(caller, name, params.id, params.tag);
      return reply.code(204).send();
    });
  }
}

function tagsIn(body: unknown): unknown {
  if (typeof body === 'object' && body !== null && 'tags' in body) return body.tags;
  throw new Failure('invalid-value', "Unable to find 'tags' in request body");
}
