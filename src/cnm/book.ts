/**
 * The records in memory, written through to the store: look-ups by id, by its beginning or by name.
 *
 * Names of networks need not be unique for libnetwork, but a name that means two is an error wherever it is used.
 */
import { Failure, type FailureCode } from '../model/failure.ts';
import type { CnmKind, CnmRecords, CnmStore } from './store.ts';

const notFound: Record<CnmKind, FailureCode> = {
  network: 'network-not-found',
  endpoint: 'endpoint-not-found',
  sandbox: 'sandbox-not-found',
};

export class Book<Kind extends CnmKind> {
  readonly #store: CnmStore;
  readonly #kind: Kind;
  readonly #records = new Map<string, CnmRecords[Kind]>();

  private constructor(store: CnmStore, kind: Kind) {
    this.#store = store;
    this.#kind = kind;
  }

  static async open<Kind extends CnmKind>(store: CnmStore, kind: Kind): Promise<Book<Kind>> {
    const book = new Book(store, kind);
    for (const record of await store.list(kind)) book.#records.set(record.id, record);
    return book;
  }

  all(): readonly CnmRecords[Kind][] {
    return [...this.#records.values()];
  }

  get(id: string): CnmRecords[Kind] {
    const found = this.#records.get(id);
    if (found) return found;
    throw new Failure(notFound[this.#kind], `${this.#kind} ${id} not found`);
  }

  /** By id, by the name, or by an id's beginning; `among` narrows. Throws when nothing or several things are meant. */
  find(word: string, among: (record: CnmRecords[Kind]) => boolean = () => true): CnmRecords[Kind] {
    const all = this.all().filter(among);
    const exact = all.filter(({ id, name }) => id === word || name === word);
    const found = exact.length > 0 || word === '' ? exact : all.filter(({ id }) => id.startsWith(word));
    const [only, ...others] = found;
    if (only && others.length === 0) return only;
    if (only)
      throw new Failure(
        'conflict',
        `${this.#kind} ${word} is ambiguous (${found.length} matches found): give the id`,
      );
    throw new Failure(notFound[this.#kind], `${this.#kind} ${word} not found`);
  }

  async put(record: CnmRecords[Kind]): Promise<CnmRecords[Kind]> {
    await this.#store.put(this.#kind, record);
    this.#records.set(record.id, record);
    return record;
  }

  async change(id: string, changes: Partial<CnmRecords[Kind]>): Promise<CnmRecords[Kind]> {
    return this.put({ ...this.get(id), ...changes });
  }

  async remove(id: string): Promise<void> {
    await this.#store.remove(this.#kind, id);
    this.#records.delete(id);
  }
}
