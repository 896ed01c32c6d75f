/**
 * What the commands of all network resources have in common: list, show, create, set and delete, names or ids,
 * tags in a second request. A resource describes its fields; the rest is here.
 */
import type { Cloud } from '../../client/cloud.ts';
import type { NetworkApi, NetworkCollection, NetworkObject } from '../../client/networks.ts';
import { type Call, collect, define, type OptionRow, type Setting } from '../define.ts';
import type { Column, Row } from '../output/output.ts';
import { forEachOperand } from '../several.ts';
import { UsageError } from '../usage-error.ts';

type Values = Readonly<Record<string, unknown>>;

/** From the options of a command to fields of a request; may look names up. */
export type ToFields = (options: never, networks: NetworkApi) => Promise<Values> | Values;

export interface NetworkResource {
  /** The command's word: `security-group`. */
  readonly word: string;
  /** What people call one: `security group`. */
  readonly called: string;
  readonly collection: NetworkCollection;
  readonly columns: readonly Column[];
  /** How fields of `show` read that are not plain. */
  readonly text?: Readonly<Record<string, (row: Row) => string>>;
  readonly list: { readonly options: readonly OptionRow[]; readonly query: ToFields };
  readonly create: Writing;
  readonly set: Writing;
}

interface Writing {
  readonly options: readonly OptionRow[];
  readonly fields: ToFields;
  readonly examples: readonly string[];
}

interface TagOptions {
  readonly tag?: readonly string[] | false;
}

const tagRow: OptionRow = ['--tag <tag>', 'tag (repeatable)', collect];

export function defineResource(setting: Setting, resource: NetworkResource): void {
  const { word, called, collection } = resource;
  define(setting, {
    usage: `${word} list`,
    summary: `list ${called}s`,
    options: [...resource.list.options, ['--tags <tags>', 'with all of these tags: a,b']],
    prints: true,
    examples: [`berth ${word} list`, `berth ${word} list -f json`],
    run: async ({ cloud, options, out }) => {
      const { networks } = await cloud();
      const query = await resource.list.query(options as never, networks);
      const { tags } = options as { tags?: string };
      await out.list(resource.columns, await networks.list(collection, { ...(query as object), tags }));
      return undefined;
    },
  });

  define(setting, {
    usage: `${word} show <${word}>`,
    summary: `show everything about a ${called}`,
    prints: true,
    examples: [`berth ${word} show NAME`, `berth ${word} show NAME -f value -c id`],
    run: async ({ cloud, operands, out }) => {
      await out.record(await (await cloud()).networks.find(collection, operands[0] ?? ''), resource.text);
      return undefined;
    },
  });

  define<TagOptions>(setting, {
    usage: `${word} create <name>`,
    summary: `make a ${called}`,
    options: [...resource.create.options, ['--description <text>', 'what it is for'], tagRow],
    prints: true,
    examples: resource.create.examples,
    run: async (call) => {
      const { networks } = await call.cloud();
      const fields = await resource.create.fields(call.options as never, networks);
      const made = await networks.create(collection, {
        name: call.operands[0],
        ...(fields as object),
        ...describing(call),
      });
      await call.out.record(await tagged(networks, collection, made, call.options.tag), resource.text);
      return undefined;
    },
  });

  define<TagOptions & { readonly name?: string }>(setting, {
    usage: `${word} set <${word}>`,
    summary: `change a ${called}`,
    options: [
      ['--name <name>', 'another name'],
      ...resource.set.options,
      ['--description <text>', 'what it is for'],
      tagRow,
      ['--no-tag', 'without any tag'],
    ],
    prints: true,
    examples: resource.set.examples,
    run: async (call) => {
      const cloud = await call.cloud();
      await call.out.record(await change(call, cloud, resource), resource.text);
      return undefined;
    },
  });

  defineDelete(setting, resource);
}

export function defineDelete(
  setting: Setting,
  { word, called, collection }: Pick<NetworkResource, 'word' | 'called' | 'collection'>,
): void {
  define(setting, {
    usage: `${word} delete <${word}...>`,
    summary: `delete ${called}s`,
    examples: [`berth ${word} delete NAME`],
    run: async (call) => {
      const { networks } = await call.cloud();
      return forEachOperand(call, word, async (name) => {
        await networks.remove(collection, (await networks.find(collection, name)).id);
        return `${name}: deleted`;
      });
    },
  });
}

async function change(
  call: Call<TagOptions & { readonly name?: string }>,
  { networks }: Cloud,
  { collection, set, word }: NetworkResource,
): Promise<NetworkObject> {
  const { name, tag } = call.options;
  const fields = {
    ...(name === undefined ? {} : { name }),
    ...(await set.fields(call.options as never, networks)),
    ...describing(call),
  };
  const changes = Object.keys(fields).length > 0;
  if (!changes && tag === undefined) throw new UsageError(`${word} set: nothing to change`);
  const found = await networks.find(collection, call.operands[0] ?? '');
  const changed = changes ? await networks.update(collection, found.id, fields) : found;
  return tagged(networks, collection, changed, tag);
}

function describing(call: Call): Values {
  const { description } = call.options as { description?: string };
  return description === undefined ? {} : { description };
}

/** `tag` false = `--no-tag`. */
async function tagged(
  networks: NetworkApi,
  collection: NetworkCollection,
  object: NetworkObject,
  tag: readonly string[] | false | undefined,
): Promise<NetworkObject> {
  if (tag === undefined || (tag !== false && tag.length === 0)) return object;
  const tags = tag === false ? [] : [...new Set([...((object.tags as string[] | undefined) ?? []), ...tag])];
  await networks.setTags(collection, object.id, tags);
  return { ...object, tags };
}

/** The given options under the names that the API has for them. */
export function given(options: object, names: Readonly<Record<string, string>>): Values {
  return Object.fromEntries(
    Object.entries(names).flatMap(([option, field]) => {
      const value = (options as Values)[option];
      return value === undefined ? [] : [[field, value]];
    }),
  );
}

/** The id of what a name stands for, as a field; nothing when there is no name. */
export async function idField(
  networks: NetworkApi,
  field: string,
  [collection, name]: readonly [NetworkCollection, string | undefined],
): Promise<Values> {
  return name === undefined ? {} : { [field]: (await networks.find(collection, name)).id };
}

export async function idsOf(
  networks: NetworkApi,
  collection: NetworkCollection,
  names: readonly string[],
): Promise<string[]> {
  return Promise.all(names.map(async (name) => (await networks.find(collection, name)).id));
}
