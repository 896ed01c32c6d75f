/**
 * One row of a resource's table: an attribute as Neutron's JSON has it.
 *
 * The table drives parsing, views, filters, sorting and documentation; nothing else knows attribute names.
 */
import type { Common } from '../../../model/network.ts';
import type { Json } from '../../../wire/network-service.ts';
import { type Parser, text, uuidOrHex } from './parsers.ts';

/** Who looks, and what some views need to know of the service. */
export interface Viewer {
  readonly projectId: string;
  /** Of networks without a domain of their own. */
  readonly dnsDomain: string;
  readonly availabilityZone: string;
  /** The view answers a change. */
  readonly isChange: boolean;
}

interface Shown<Kind> {
  readonly name: string;
  /** Absent = never shown. */
  view?(object: Kind, viewer: Viewer): Json;
  /** Shown to administrators and hosts only. */
  readonly adminView?: boolean;
  /** Column of the same value: filters on it are answered by the store. */
  readonly column?: string;
  /** Filters that are more than equality. */
  matches?(object: Kind, values: readonly string[]): boolean;
  readonly filter?: false;
}

interface ReadOnly {
  readonly field?: never;
}

/** Accepted only with the value that it has anyway: clients send it, we have no choice to offer. */
interface Constant {
  readonly field?: never;
  readonly only: Json;
}

/** Where a given value goes. `on` says when it may be given. */
type Writable<Draft> = {
  [Field in keyof Draft]-?: {
    readonly field: Field;
    readonly parser: Parser<Exclude<Draft[Field], undefined>>;
    readonly on: 'create' | 'update' | 'create-and-update';
    readonly required?: boolean;
    /** For documentation; the use case fills it in. */
    readonly default?: Json;
  };
}[keyof Draft];

export type Attribute<Kind, Draft> = Shown<Kind> & (ReadOnly | Constant | Writable<Draft>);

/** The same without knowing of what: for the code that walks tables. */
export interface AnyAttribute {
  readonly name: string;
  view?(object: unknown, viewer: Viewer): Json;
  readonly adminView?: boolean;
  readonly column?: string;
  matches?(object: unknown, values: readonly string[]): boolean;
  readonly filter?: false;
  readonly field?: string;
  readonly parser?: Parser<unknown>;
  readonly on?: 'create' | 'update' | 'create-and-update';
  readonly required?: boolean;
  readonly default?: Json;
  readonly only?: Json;
}
export type Table = readonly AnyAttribute[];

/** `2026-01-01T00:00:00Z`: the API's times have no fractions. */
export function seconds(iso: string): string {
  return `${iso.slice(0, 19)}Z`;
}

interface CommonDraft {
  readonly projectId?: string;
}

/** Attributes of every resource's project; both names are accepted. */
export function projectAttributes<Kind extends { readonly projectId: string }, Draft extends CommonDraft>() {
  const project = {
    view: (object: Kind) => object.projectId,
    column: 'project_id',
    field: 'projectId',
    parser: uuidOrHex,
    on: 'create',
  } as const;
  return [
    { ...project, name: 'tenant_id' },
    { ...project, name: 'project_id' },
  ] as unknown as readonly Attribute<Kind, Draft>[];
}

interface Versioned {
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function versionAttributes<Kind extends Versioned>(): readonly Attribute<Kind, object>[] {
  return [
    { name: 'created_at', view: (object) => seconds(object.createdAt) },
    { name: 'updated_at', view: (object) => seconds(object.updatedAt) },
    { name: 'revision_number', view: (object) => object.revision },
  ];
}

const writable = { parser: text, on: 'create-and-update', default: '' } as const;

/** Name, description, project, tags, revision and times: the same for all that have them. */
export function commonAttributes<
  Kind extends Common,
  Draft extends CommonDraft & { readonly name?: string },
>() {
  const [id, ...others] = namelessAttributes<Kind, Draft>();
  return [
    id,
    { name: 'name', view: (object: Kind) => object.name, column: 'name', field: 'name', ...writable },
    ...others,
  ] as unknown as readonly Attribute<Kind, Draft>[];
}

/** The same for what has no name. */
export function namelessAttributes<Kind extends Omit<Common, 'name'>, Draft extends CommonDraft>() {
  return [
    { name: 'id', view: (object: Kind) => object.id, column: 'id' },
    {
      name: 'description',
      view: (object: Kind) => object.description,
      field: 'description',
      ...writable,
    },
    ...projectAttributes<Kind, Draft>(),
    { name: 'tags', view: (object: Kind) => object.tags, filter: false },
    ...versionAttributes<Kind>(),
  ] as unknown as readonly Attribute<Kind, Draft>[];
}
