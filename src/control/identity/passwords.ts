/**
 * Passwords and secrets as argon2id hashes in the PHC text form (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`).
 *
 * One hash costs 19 MiB and about 30 ms of a core (OWASP's minimum for argon2id), so at most two run at once and
 * the line behind them is limited. The parameters are read from the stored text: raising them later keeps old
 * hashes good. A missing hash costs the same as a wrong password, so timing tells nobody which users exist.
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import PQueue from 'p-queue';
import { Failure } from '../../model/failure.ts';

const derive = promisify(argon2);

const cost = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;
const saltBytes = 16;
const parallelHashes = 2;
const longestLine = 500;

interface Phc {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

export class Passwords {
  readonly #queue = new PQueue({ concurrency: parallelHashes });

  async hash(password: string): Promise<string> {
    const salt = randomBytes(saltBytes);
    const tag = await this.#derive(password, { ...cost, nonce: salt });
    const parameters = `m=${cost.memory},t=${cost.passes},p=${cost.parallelism}`;
    return `$argon2id$v=19$${parameters}$${unpadded(salt)}$${unpadded(tag)}`;
  }

  /** `stored` null = there is nothing to match: false, after the time that a real comparison takes. */
  async matches(password: string, stored: string | null): Promise<boolean> {
    const phc = stored === null ? undefined : parsePhc(stored);
    const { memory, passes, parallelism } = phc ?? cost;
    const tag = await this.#derive(password, {
      memory,
      passes,
      parallelism,
      tagLength: phc?.tag.length ?? cost.tagLength,
      nonce: phc?.salt ?? randomBytes(saltBytes),
    });
    return phc !== undefined && timingSafeEqual(tag, phc.tag);
  }

  #derive(password: string, parameters: Omit<Parameters<typeof argon2>[1], 'message'>): Promise<Buffer> {
    if (this.#queue.size >= longestLine) {
      throw new Failure('unavailable', 'Too many log-ins are waiting; try again in a moment.', {
        retryAfterSeconds: 5,
      });
    }
    return this.#queue.add(() => derive('argon2id', { ...parameters, message: password }));
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}

function parsePhc(text: string): Phc {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(text);
  const [memory, passes, parallelism, salt, tag] = match?.slice(1) ?? [];
  if (salt === undefined || tag === undefined)
    throw new Error('a stored password hash is not an argon2id hash');
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
}
