/**
 * The use cases that every kind of object has, and the checks that they share.
 *
 * `create` takes several drafts and makes all or none. An absent field of a draft means the default; an absent
 * field of a change means "as it is". `revision` is what the caller believes the object's revision to be.
 */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import { newUuid, type Uuid } from '../../model/ids.ts';

export interface Expectation {
  readonly revision?: number | undefined;
}

export interface Collection<Kind, Draft, Changes, Where> {
  list(caller: Caller, where?: Where): Promise<Kind[]>;
  /** Throws the kind's `…-not-found` also for what the caller may not see. */
  get(caller: Caller, id: Uuid): Promise<Kind>;
  create(caller: Caller, drafts: readonly Draft[]): Promise<Kind[]>;
  update(caller: Caller, id: Uuid, changes: Changes, expect?: Expectation): Promise<Kind>;
  remove(caller: Caller, id: Uuid, expect?: Expectation): Promise<void>;
}

/** What an object is born with, besides what its draft says. */
export function newborn(projectId: string, now: string) {
  return { id: newUuid(), projectId, revision: 1, createdAt: now, updatedAt: now, tags: [] };
}

/** The object with the changes, one revision on. Undefined changes are no changes. */
export function revised<T extends { readonly revision: number; readonly updatedAt: string }>(
  object: T,
  changes: { readonly [Field in keyof T]?: T[Field] | undefined },
  now: string,
): T {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { ...object, ...Object.fromEntries(given), revision: object.revision + 1, updatedAt: now };
}

export function checkRevision(object: { readonly revision: number }, expect: Expectation = {}): void {
  if (expect.revision === undefined || expect.revision === object.revision) return;
  throw new Failure(
    'precondition-failed',
    `Constrained to ${expect.revision}, but current revision is ${object.revision}`,
  );
}

/** What the values say together is wrong, in the words of the API: `Invalid input for operation: …`. */
export function invalidInput(text: string): Failure {
  return new Failure('invalid', `Invalid input for operation: ${text}`);
}

/** What is asked of that kind of object is impossible, in Neutron's words: `Bad router request: ….` */
export function badRequest(resource: string, text: string): Failure {
  return new Failure('bad-request', `Bad ${resource} request: ${text}.`);
}
