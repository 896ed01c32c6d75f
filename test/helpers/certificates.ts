/** An authority, and certificates that it signed, made by openssl in a folder. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export class Authority {
  readonly #folder: string;
  readonly #name: string;
  readonly cert: string;

  /** One name, one authority. */
  constructor(folder: string, name = 'ca') {
    this.#folder = folder;
    this.#name = name;
    this.cert = join(folder, `${name}.pem`);
    this.#openssl([
      'req',
      '-x509',
      ...newKey(join(folder, `${name}.key`)),
      '-subj',
      `/CN=${name}`,
      '-out',
      this.cert,
    ]);
  }

  /** For a server at 127.0.0.1, or a client. */
  sign(name: string): Certificate {
    const [cert, key, request, more] = ['pem', 'key', 'csr', 'cnf'].map((end) =>
      join(this.#folder, `${name}.${end}`),
    ) as [string, string, string, string];
    writeFileSync(more, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    this.#openssl(['req', ...newKey(key), '-subj', `/CN=${name}`, '-out', request]);
    const by = ['-CA', this.cert, '-CAkey', join(this.#folder, `${this.#name}.key`), '-CAcreateserial'];
    this.#openssl(['x509', '-req', '-in', request, ...by, '-extfile', more, '-days', '2', '-out', cert]);
    return { cert, key };
  }

  #openssl(args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'ignore' });
  }
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file];
}
