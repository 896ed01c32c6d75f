/**
 * Identifiers. Resources of the container and network APIs carry dashed UUIDs (version 4); users, projects,
 * roles and domains carry the same without dashes, as Keystone has them. Both are opaque to clients.
 */
export type Uuid = string;

const uuidPattern = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

export function newUuid(): Uuid {
  return crypto.randomUUID();
}

/** 32 hexadecimal digits, for identity objects. */
export function newHexId(): string {
  return crypto.randomUUID().replaceAll('-', '');
}

/** `req-<uuid>`: names one API request in headers, action logs and log lines. */
export function newRequestId(): string {
  return `req-${crypto.randomUUID()}`;
}

/** True for a UUID in either spelling (36 characters or 32 hexadecimal digits, any case). */
export function looksLikeUuid(text: string): boolean {
  return uuidPattern.test(text);
}
