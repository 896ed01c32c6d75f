/**
 * A row of the contract: a request and the answer that has to come. Words in braces stand for things that are made for the row alone:
 * `{web}` a running container of alice's, `{console}` one that can be attached to, `{box}` a stopped one, `{request}` the request that made `{web}`, `{failed}` the request of a
 * verb that failed on `{web}`, `{registry}` a registry of hers, `{webhook}` a webhook of hers, `{gone}` a deleted container of hers,
 * `{image}` an image that the administrator had pulled; `{exec}` is a command that runs in a container.
 */
export const areas = ['endpoint', 'microversion', 'error', 'policy', 'status', 'quirk'] as const;

export interface Row {
  readonly area: (typeof areas)[number];
  /** Of the table that the row is of: `GET /containers`, a version, a code, a rule, an action. */
  readonly of: string;
  readonly method: string;
  /** Below /v1. */
  readonly url: string;
  /** `url` is the whole path. */
  readonly isRoot?: true;
  readonly token?: string | null;
  readonly version?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Instead of `body`: sent as it is. */
  readonly raw?: string;
  /** The container `{web}` is put into this status first. */
  readonly inStatus?: string;
  /** Asked for first, by alice unless told, and carried out. */
  readonly first?: Readonly<Pick<Row, 'method' | 'url' | 'body' | 'token'>>;
  /** A service with these settings is asked, a new one. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly status: number;
  /** Behind `container.`. */
  readonly code?: string;
  /** The error's title. */
  readonly says?: RegExp;
  /** The whole body, as JSON. */
  readonly shows?: RegExp;
  readonly hides?: RegExp;
}
