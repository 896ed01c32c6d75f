/**
 * Secrets at rest: sealed with AES-256-GCM under a key that lives beside the database, in a file of its own with mode 0600, made at
 * the first start. A copy of the database alone gives nothing away.
 *
 * What a secret belongs to is sealed in with it, so that one cannot be moved to another owner's row.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Failure } from '../model/failure.ts';

const keyBytes = 32;
const nonceBytes = 12;
const version = 'v1';

export class Secrets {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    if (key.length !== keyBytes)
      throw new Failure('invalid-value', `a key has ${keyBytes} bytes, not ${key.length}`);
    this.#key = key;
  }

  /** Makes the key when there is none. Throws `invalid-value` for a file that holds none. */
  static open(file: string): Secrets {
    try {
      writeFileSync(file, `${randomBytes(keyBytes).toString('base64')}\n`, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    try {
      return new Secrets(Buffer.from(readFileSync(file, 'utf8').trim(), 'base64'));
    } catch (error) {
      throw new Failure('invalid-value', `key file ${file}: ${(error as Error).message}`, { cause: error });
    }
  }

  seal(secret: string, owner: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(owner));
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return [version, nonce, sealed, cipher.getAuthTag()]
      .map((part) => (typeof part === 'string' ? part : part.toString('base64url')))
      .join('.');
  }

  /** Throws `internal` for what was sealed with another key, for another owner, or was changed. */
  open(text: string, owner: string): string {
    const [mark, nonce = '', sealed = '', tag = ''] = text.split('.');
    try {
      if (mark !== version) throw new Error(`unknown version ${mark}`);
      const bytes = (part: string) => Buffer.from(part, 'base64url');
      const options = { authTagLength: 16 };
      const cipher = createDecipheriv('aes-256-gcm', this.#key, bytes(nonce), options)
        .setAAD(Buffer.from(owner))
        .setAuthTag(bytes(tag));
      return Buffer.concat([cipher.update(bytes(sealed)), cipher.final()]).toString('utf8');
    } catch (error) {
      throw new Failure('internal', 'A secret cannot be read with the key of this server.', { cause: error });
    }
  }
}
