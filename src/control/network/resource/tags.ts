/** Tags of whatever carries them: up to 50 each, of up to 255 characters. */
import type { Caller } from '../../../model/caller.ts';
import { Failure } from '../../../model/failure.ts';
import type { Uuid } from '../../../model/ids.ts';
import { tagsOf } from '../../../store/network/common.ts';
import { raiseRevision, replaceTags, type TaggedTable } from '../../../store/network/tags.ts';
import { change, type NetworkContext } from '../context.ts';
import { checkObject, checkWriter } from '../policy.ts';
import { type Collections, type ResourceName, resourceKinds } from './kinds.ts';
import { distinct, listOf, refuse, text } from './parsers.ts';

const tables: Readonly<Partial<Record<ResourceName, TaggedTable>>> = {
  networks: 'networks',
  subnets: 'subnets',
  subnetpools: 'subnet_pools',
  'qos/policies': 'qos_policies',
  ports: 'ports',
  'security-groups': 'security_groups',
  routers: 'routers',
  floatingips: 'floating_ips',
};

const mostTags = 50;
const tagList = distinct(listOf(text));

export type Tags = ReturnType<typeof createTags>;

function missingTag(tag: string, id: Uuid): Failure {
  return new Failure('tag-not-found', `Tag ${tag} could not be found on resource ${id}.`);
}

/** A comma separates tags in filters, a slash could not be addressed. */
function checkTags(tags: readonly string[]): readonly string[] {
  if (tags.length > mostTags) refuse('tags', `more than ${mostTags} tags.`);
  const wrong = tags.find((tag) => tag === '' || /[,/]/.test(tag));
  if (wrong !== undefined) refuse('tags', `'${wrong}' is empty or has a comma or slash.`);
  return tags;
}

export function createTags(context: NetworkContext, collections: Collections) {
  const get = async (caller: Caller, name: ResourceName, id: Uuid): Promise<readonly string[]> =>
    (await collections[name].get(caller, id)).tags ?? [];

  /** Writes what `next` makes of the present tags, in one transaction: two edits at once both count. */
  const edit = async (
    caller: Caller,
    name: ResourceName,
    id: Uuid,
    next: (tags: readonly string[]) => readonly string[],
  ): Promise<readonly string[]> => {
    const table = tables[name];
    const object = await collections[name].get(caller, id);
    if (!table) throw new Failure('resource-not-found', `${name} have no tags.`);
    const action = `update_${resourceKinds[name].singular}`;
    checkWriter(context, caller, action);
    checkObject(context, caller, action, object);
    return change(context, async ({ trx, now }) => {
      const tags = checkTags(next((await tagsOf(trx, [id])).get(id) ?? []));
      await replaceTags(trx, id, tags);
      await raiseRevision(trx, table, id, now);
      return tags;
    });
  };

  return {
    get,

    async has(caller: Caller, name: ResourceName, id: Uuid, tag: string): Promise<void> {
      if (!(await get(caller, name, id)).includes(tag)) throw missingTag(tag, id);
    },

    replace: (caller: Caller, name: ResourceName, id: Uuid, given: unknown): Promise<readonly string[]> =>
      edit(caller, name, id, () => tagList.parse(given, 'tags')),

    add: (caller: Caller, name: ResourceName, id: Uuid, tag: string): Promise<readonly string[]> =>
      edit(caller, name, id, (tags) => (tags.includes(tag) ? tags : [...tags, text.parse(tag, 'tags')])),

    remove: (caller: Caller, name: ResourceName, id: Uuid, tag: string): Promise<readonly string[]> =>
      edit(caller, name, id, (tags) => {
        if (!tags.includes(tag)) throw missingTag(tag, id);
        return tags.filter((own) => own !== tag);
      }),
  };
}
