/** Use cases of projects. What a project owns elsewhere (containers, networks) is not touched when it goes; nobody is told of it any more. */
import type { Project } from '../../model/identity.ts';
import { newHexId } from '../../model/ids.ts';
import { deleteWebhooksOf } from '../../store/container/webhooks.ts';
import type { Trx } from '../../store/database.ts';
import { removeAssignmentsOn } from '../../store/identity/assignments.ts';
import { findDomain } from '../../store/identity/domains.ts';
import {
  deleteProject,
  findProject,
  listProjects,
  type ProjectFilter,
  saveProject,
} from '../../store/identity/projects.ts';
import type { Changes } from './changes.ts';
import { found } from './not-found.ts';

export type ProjectFields = Partial<Pick<Project, 'name' | 'description' | 'enabled' | 'tags'>>;

export class Projects {
  readonly #changes: Changes;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  list(filter: ProjectFilter = {}): Promise<Project[]> {
    return listProjects(this.#changes.db, filter);
  }

  async get(id: string): Promise<Project> {
    return found('project', id, await findProject(this.#changes.db, id));
  }

  create(fields: ProjectFields & { readonly name: string; readonly domainId: string }): Promise<Project> {
    const project = { id: newHexId(), description: '', enabled: true, tags: [], ...fields };
    return this.#save(async (trx) => {
      found('domain', project.domainId, await findDomain(trx, project.domainId));
      return project;
    });
  }

  update(id: string, fields: ProjectFields): Promise<Project> {
    return this.#save(async (trx) => ({ ...found('project', id, await findProject(trx, id)), ...fields }));
  }

  async remove(id: string): Promise<void> {
    await this.#changes.run(
      async (trx) => {
        found('project', id, await findProject(trx, id));
        await removeAssignmentsOn(trx, { kind: 'project', id });
        await deleteWebhooksOf(trx, id);
        await deleteProject(trx, id);
      },
      { keepAdmin: true },
    );
  }

  /** Makes the project unless the domain has one of that name. */
  async ensure(
    wanted: ProjectFields & { readonly name: string; readonly domainId: string },
  ): Promise<Project> {
    const [there] = await this.list({ name: wanted.name, domainId: wanted.domainId });
    return there ?? this.create(wanted);
  }

  /** `compose` reads and merges inside the transaction, so that changes at the same time do not undo each other. */
  #save(compose: (trx: Trx) => Promise<Project>): Promise<Project> {
    const write = async (trx: Trx): Promise<Project> => {
      const project = await compose(trx);
      await saveProject(trx, project);
      return project;
    };
    return this.#changes.run(write, {
      taken: 'Conflict occurred attempting to store project: its domain has another project of that name.',
      keepAdmin: true,
    });
  }
}
