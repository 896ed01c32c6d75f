/** Use cases of domains. */
import { Failure } from '../../model/failure.ts';
import type { Domain } from '../../model/identity.ts';
import { newHexId } from '../../model/ids.ts';
import type { Trx } from '../../store/database.ts';
import { listAssignments, removeAssignmentsOn } from '../../store/identity/assignments.ts';
import {
  deleteDomain,
  findDomain,
  findDomainByName,
  listDomains,
  saveDomain,
} from '../../store/identity/domains.ts';
import { listProjects } from '../../store/identity/projects.ts';
import type { Changes } from './changes.ts';
import { found } from './not-found.ts';

/** The domain that exists from the start; everything that names no domain is in it. */
export const defaultDomainId = 'default';

export type DomainFields = Partial<Pick<Domain, 'name' | 'description' | 'enabled'>>;

export class Domains {
  readonly #changes: Changes;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  list(): Promise<Domain[]> {
    return listDomains(this.#changes.db);
  }

  async get(id: string): Promise<Domain> {
    return found('domain', id, await findDomain(this.#changes.db, id));
  }

  create(fields: DomainFields & { readonly id?: string; readonly name: string }): Promise<Domain> {
    return this.#save(async () => ({ id: newHexId(), description: '', enabled: true, ...fields }));
  }

  update(id: string, fields: DomainFields): Promise<Domain> {
    return this.#save(async (trx) => ({ ...found('domain', id, await findDomain(trx, id)), ...fields }));
  }

  /** Only a disabled domain, so that nobody deletes a populated one by mistake. */
  remove(id: string): Promise<void> {
    return this.#changes.run(async (trx) => {
      const domain = found('domain', id, await findDomain(trx, id));
      if (id === defaultDomainId) {
        throw new Failure('policy-not-authorized', 'The default domain cannot be deleted.');
      }
      if (domain.enabled) {
        const what = `Domain ${domain.name} is enabled; disable it before deleting it.`;
        throw new Failure('policy-not-authorized', what);
      }
      for (const project of await listProjects(trx, { domainId: id })) {
        await removeAssignmentsOn(trx, { kind: 'project', id: project.id });
      }
      await removeAssignmentsOn(trx, { kind: 'domain', id });
      await deleteDomain(trx, id);
    });
  }

  /** Domains on which the user has a role. */
  async ofUser(userId: string): Promise<Domain[]> {
    const assignments = await listAssignments(this.#changes.db, { userId });
    const ids = new Set(assignments.map(({ target }) => (target.kind === 'domain' ? target.id : '')));
    return (await this.list()).filter((domain) => domain.enabled && ids.has(domain.id));
  }

  /** Makes the domain unless one of that id or name is there. */
  async ensure(wanted: { readonly id?: string; readonly name: string }): Promise<Domain> {
    const { db } = this.#changes;
    const there = (await findDomain(db, wanted.id ?? '')) ?? (await findDomainByName(db, wanted.name));
    return there ?? this.create(wanted);
  }

  /** `compose` reads and merges inside the transaction, so that changes at the same time do not undo each other. */
  #save(compose: (trx: Trx) => Promise<Domain>): Promise<Domain> {
    const write = async (trx: Trx): Promise<Domain> => {
      const domain = await compose(trx);
      await saveDomain(trx, domain);
      return domain;
    };
    return this.#changes.run(write, {
      taken: 'Conflict occurred attempting to store domain: there is another of that name.',
      keepAdmin: true,
    });
  }
}
