/** Create, list, show, update and delete of every resource. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type ResourceKind, type ResourceName, resourceKinds } from '../../control/network/resource/kinds.ts';
import type { Page } from '../../control/network/resource/query.ts';
import { baseUrlOf } from '../base-url.ts';
import { expectedRevision, queryOf, unwrap, unwrapSome } from './bodies.ts';
import type { NeutronOptions } from './options.ts';

interface WithId {
  Params: { id: string };
}

export function registerCollections(app: FastifyInstance, options: NeutronOptions): void {
  for (const name of Object.keys(resourceKinds) as ResourceName[]) {
    registerReads(app, options, name);
    registerWrites(app, options, name);
  }
}

function registerReads(app: FastifyInstance, options: NeutronOptions, name: ResourceName): void {
  const { resources } = options.control;
  const kind: ResourceKind = resourceKinds[name];
  const path = `/v2.0/${name}`;

  app.get(path, async (request) => {
    const page = await resources.list({ caller: request.caller }, name, queryOf(request));
    const links = linksOf(page, request, `${baseUrlOf(request, options.config)}/network${path}`);
    return { [kind.plural]: page.items, ...(links.length > 0 ? { [`${kind.plural}_links`]: links } : {}) };
  });

  app.get<WithId>(`${path}/:id`, async (request) => {
    const { fields } = queryOf(request);
    const view = await resources.get({ caller: request.caller }, name, request.params.id, fields);
    return { [kind.singular]: view };
  });
}

function registerWrites(app: FastifyInstance, { control }: NeutronOptions, name: ResourceName): void {
  const { resources } = control;
  const { singular, plural }: ResourceKind = resourceKinds[name];
  const path = `/v2.0/${name}`;

  app.post(path, async (request, reply) => {
    const { isBulk, bodies } = unwrapSome(request, { singular, plural });
    const views = await resources.create({ caller: request.caller }, name, bodies);
    return reply.code(201).send(isBulk ? { [plural]: views } : { [singular]: views[0] });
  });

  app.put<WithId>(`${path}/:id`, async (request) => {
    const body = unwrap(request, singular);
    const expect = expectedRevision(request);
    const session = { caller: request.caller };
    return { [singular]: await resources.update(session, name, request.params.id, body, expect) };
  });

  app.delete<WithId>(`${path}/:id`, async (request, reply) => {
    const session = { caller: request.caller };
    await resources.remove(session, name, request.params.id, expectedRevision(request));
    return reply.code(204).send();
  });
}

/** Links to the pages around this one: the same query with another marker. */
function linksOf(page: Page, request: FastifyRequest, url: string): { rel: string; href: string }[] {
  const to = (rel: string, marker: string | undefined, isReverse: boolean) => {
    if (marker === undefined) return [];
    const query = new URLSearchParams(request.url.split('?')[1] ?? '');
    query.set('marker', marker);
    query.delete('page_reverse');
    if (isReverse) query.set('page_reverse', 'True');
    return [{ rel, href: `${url}?${query}` }];
  };
  return [...to('next', page.next, false), ...to('previous', page.previous, true)];
}
