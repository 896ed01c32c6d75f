/** Where the controller keeps its records. Every call is durable when it returns. */
import type { CnmEndpoint, CnmNetwork, CnmSandbox } from '../model/cnm.ts';

export interface CnmRecords {
  readonly network: CnmNetwork;
  readonly endpoint: CnmEndpoint;
  readonly sandbox: CnmSandbox;
}
export type CnmKind = keyof CnmRecords;

export interface CnmStore {
  list<Kind extends CnmKind>(kind: Kind): Promise<CnmRecords[Kind][]>;
  put<Kind extends CnmKind>(kind: Kind, record: CnmRecords[Kind]): Promise<void>;
  remove(kind: CnmKind, id: string): Promise<void>;
}

/** For tests, and for a controller that need not survive. */
export class MemoryStore implements CnmStore {
  readonly #records = new Map<string, CnmRecords[CnmKind]>();
  /** Called before each change; may throw. */
  before: (what: string) => void = () => undefined;

  async list<Kind extends CnmKind>(kind: Kind): Promise<CnmRecords[Kind][]> {
    const found = [...this.#records].filter(([key]) => key.startsWith(`${kind} `));
    return found.map(([, record]) => structuredClone(record) as CnmRecords[Kind]);
  }

  async put<Kind extends CnmKind>(kind: Kind, record: CnmRecords[Kind]): Promise<void> {
    this.before(`put ${kind}`);
    this.#records.set(`${kind} ${record.id}`, structuredClone(record));
  }

  async remove(kind: CnmKind, id: string): Promise<void> {
    this.before(`remove ${kind}`);
    this.#records.delete(`${kind} ${id}`);
  }
}
