/** /images: what administrators keep on hosts, and the search of the default registry. */
import type { ContainerControl } from '../../../control/container/control.ts';
import type { FoundImages } from '../../../control/container/images.ts';
import { Failure } from '../../../model/failure.ts';
import type { ImageRecord } from '../../../model/registry.ts';
import { linksOf } from '../container-view.ts';
import type { Call, Endpoint, Input } from '../endpoint.ts';
import { pageOf } from '../page-in-memory.ts';
import * as v from '../vocabulary.ts';

const sortKeys = ['id', 'uuid', 'image_id', 'repo', 'tag', 'size', 'project_id', 'host'];
/** From here on an image tells how its pull goes. */
const tellsSince = 41;

export function imageEndpoints({ images, config }: ContainerControl): Endpoint[] {
  const { maxListLimit: maxLimit } = config.containers;
  const toWire = (image: ImageRecord, { baseUrl, version }: Call) => ({
    ...toView(image, baseUrl),
    ...(version < tellsSince
      ? {}
      : { status: statuses[image.phase], status_reason: image.reason, progress: images.progressOf(image) }),
  });
  return [
    {
      method: 'GET',
      path: '/images',
      summary: 'Images that the project had pulled',
      policy: 'image:get_all',
      status: 200,
      async handle(call) {
        const unknownMarker = (marker: string) =>
          new Failure('image-not-found', `Image ${marker} could not be found.`);
        const kind = { collection: 'images', defaultSortKey: 'id', sortKeys, maxLimit, unknownMarker };
        const rows = (await images.list(call.caller)).map((image) => ({
          id: image.id,
          ...toWire(image, call),
        }));
        const { items, next } = pageOf(rows, call, kind);
        return { body: { images: items.map(({ id: _, ...item }) => item), next } };
      },
    },
    {
      method: 'POST',
      path: '/images',
      summary: 'Pull an image to a host',
      policy: 'image:pull',
      needsJson: true,
      body: {
        repo: { schema: v.image, required: true },
        host: { schema: v.hostName, required: true },
        image_id: { schema: v.textOrNull },
        tag: { schema: v.textOrNull },
        size: { schema: v.textOrNull },
        image_pull_policy: { schema: v.imagePullPolicy },
      },
      status: 202,
      async handle(call) {
        const image = await images.pull(call.caller, {
          ...splitTag(call.body),
          host: String(call.body.host),
        });
        return { location: `${call.baseUrl}/v1/images/${image.uuid}`, body: toWire(image, call) };
      },
    },
    {
      method: 'GET',
      path: '/images/:ident',
      summary: 'Show an image',
      policy: 'image:get_one',
      status: 200,
      handle: async (call) => ({ body: toWire(await images.get(call.caller, call.path.ident ?? ''), call) }),
    },
    {
      method: 'DELETE',
      path: '/images/:ident',
      summary: 'Remove an image from its host',
      policy: 'image:delete',
      status: 200,
      async handle(call) {
        await images.remove(call.caller, call.path.ident ?? '');
        return { body: null };
      },
    },
    {
      method: 'GET',
      // The name may have slashes.
      path: '/images/*',
      summary: 'Search the default registry: `/images/<name>/search`',
      policy: 'image:search',
      query: { image_driver: { schema: v.imageDriver }, exact_match: { schema: v.plainBoolean } },
      status: 200,
      async handle({ caller, path, query }) {
        const [, term] = /^(.+)\/search$/.exec(path['*'] ?? '') ?? [];
        if (term === undefined) throw new Failure('resource-not-found', 'The resource could not be found.');
        if (query.image_driver === 'glance') {
          throw new Failure('not-implemented', 'This service does not offer images of Glance yet.');
        }
        return { body: (await images.search(caller, term, v.isTrue(query.exact_match))).map(toFound) };
      },
    },
  ];
}

const statuses = { pulling: 'Pulling', ready: 'Ready', error: 'Error', deleting: 'Deleting' } as const;

function toView({ uuid, imageId, repo, tag, size, projectId, host }: ImageRecord, baseUrl: string) {
  return {
    uuid,
    links: linksOf(baseUrl, 'images', uuid),
    image_id: imageId,
    repo,
    tag,
    size,
    project_id: projectId,
    host,
  };
}

/** The tag or digest in the name wins, as in Zun. A colon before a slash belongs to a port. */
function splitTag({ repo, tag }: Input): { repo: string; tag: string } {
  const text = String(repo);
  const [, name, digest] = /^(.*)@(.*)$/.exec(text) ?? /^(.*):([^/:]*)$/.exec(text) ?? [];
  if (name !== undefined && digest !== undefined) return { repo: name, tag: digest };
  return { repo: text, tag: typeof tag === 'string' && tag !== '' ? tag : 'latest' };
}

function toFound({ name, description, isOfficial, isAutomated, stars }: FoundImages[number]) {
  return {
    name,
    description,
    is_automated: isAutomated,
    metadata: { is_official: isOfficial, star_count: stars },
  };
}
