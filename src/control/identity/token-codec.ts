/**
 * A token on the wire: a compact JWS (HS256) whose payload is bytes rather than JSON, because clients and
 * middleware expect tokens below 255 characters. Ours have at most 211.
 *
 * Layout: version, method bits, scope kind (1 byte each); generation (4); issued, expires (6 each, milliseconds
 * since 1970); then user, scope target, audit id, parent audit id, application credential, each a length byte and
 * that many bytes (an id of 32 hexadecimal digits is stored as `packed` and 16 bytes).
 * The claims say who and where, never what they may do: roles are looked up when a token is used.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { CompactSign, compactVerify, errors } from 'jose';
import type { AuthMethod, Target } from '../../model/identity.ts';

export interface Claims {
  readonly userId: string;
  readonly scope: Target | { readonly kind: 'unscoped' };
  readonly methods: readonly AuthMethod[];
  /** 16 bytes in base64url. */
  readonly auditId: string;
  readonly parentAuditId: string | null;
  readonly applicationCredentialId: string | null;
  readonly generation: number;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

const version = 1;
const packed = 0xff;
const longestToken = 255;
const methods = ['password', 'token', 'application_credential'] as const satisfies readonly AuthMethod[];
const scopeKinds = ['unscoped', 'project', 'domain', 'system'] as const;

export class TokenCodec {
  readonly #key: KeyObject;

  /** `key`: 32 random bytes. */
  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
  }

  sign(claims: Claims): Promise<string> {
    return new CompactSign(encode(claims)).setProtectedHeader({ alg: 'HS256' }).sign(this.#key);
  }

  /** The claims, or undefined when the token is not one that we signed. Says nothing about expiry. */
  async verify(token: string): Promise<Claims | undefined> {
    if (token.length > longestToken || !isCanonical(token)) return undefined;
    try {
      const { payload } = await compactVerify(token, this.#key, { algorithms: ['HS256'] });
      return decode(Buffer.from(payload));
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
}

/**
 * One token has one spelling: in base64url the last character of a part may hold bits that nobody reads, and decoders
 * take padding and other alphabets. What revokes or caches a token by its text relies on this.
 */
function isCanonical(token: string): boolean {
  return token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);
}

function encode(claims: Claims): Buffer {
  const head = Buffer.alloc(19);
  head.writeUInt8(version, 0);
  head.writeUInt8(
    methods.reduce((bits, method, bit) => (claims.methods.includes(method) ? bits | (1 << bit) : bits), 0),
    1,
  );
  head.writeUInt8(scopeKinds.indexOf(claims.scope.kind), 2);
  head.writeUInt32BE(claims.generation, 3);
  head.writeUIntBE(claims.issuedAtMs, 7, 6);
  head.writeUIntBE(claims.expiresAtMs, 13, 6);
  const ids = [
    packId(claims.userId),
    packId('id' in claims.scope ? claims.scope.id : ''),
    packText(Buffer.from(claims.auditId, 'base64url')),
    packText(Buffer.from(claims.parentAuditId ?? '', 'base64url')),
    packId(claims.applicationCredentialId ?? ''),
  ];
  return Buffer.concat([head, ...ids]);
}

function packId(id: string): Buffer {
  if (/^[0-9a-f]{32}$/.test(id)) return Buffer.concat([Buffer.of(packed), Buffer.from(id, 'hex')]);
  return packText(Buffer.from(id, 'utf8'));
}

function packText(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function decode(payload: Buffer): Claims | undefined {
  if (payload.length < 19 || payload.readUInt8(0) !== version) return undefined;
  const bits = payload.readUInt8(1);
  const kind = scopeKinds[payload.readUInt8(2)] ?? 'unscoped';
  const [user, target, audit, parent, credential] = unpack(payload.subarray(19));
  return {
    userId: idOf(user),
    scope: kind === 'unscoped' || kind === 'system' ? { kind } : { kind, id: idOf(target) },
    methods: methods.filter((_, bit) => bits & (1 << bit)),
    auditId: audit?.bytes.toString('base64url') ?? '',
    parentAuditId: parent?.bytes.toString('base64url') || null,
    applicationCredentialId: idOf(credential) || null,
    generation: payload.readUInt32BE(3),
    issuedAtMs: payload.readUIntBE(7, 6),
    expiresAtMs: payload.readUIntBE(13, 6),
  };
}

interface Field {
  readonly isPacked: boolean;
  readonly bytes: Buffer;
}

function unpack(rest: Buffer): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < rest.length; ) {
    const length = rest.readUInt8(at);
    const isPacked = length === packed;
    const end = at + 1 + (isPacked ? 16 : length);
    fields.push({ isPacked, bytes: rest.subarray(at + 1, end) });
    at = end;
  }
  return fields;
}

function idOf(field: Field | undefined): string {
  return field?.bytes.toString(field.isPacked ? 'hex' : 'utf8') ?? '';
}
