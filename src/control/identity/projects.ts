/** Use cases of projects. What a project owns elsewhere (containers, networks) is not touched when it goes. */
import type { Project } from '../../model/identity.ts';
import { newHexId } from '../../model/ids.ts';
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

  async create(
    fields: ProjectFields & { readonly name: string; readonly domainId: string },
  ): Promise<Project> {
    found('domain', fields.domainId, await findDomain(this.#changes.db, fields.domainId));
    return this.#save({ id: newHexId(), description: '', enabled: true, tags: [], ...fields });
  }

  async update(id: string, fields: ProjectFields): Promise<Project> {
    return this.#save({ ...(await this.get(id)), ...fields });
  }

  async remove(id: string): Promise<void> {
    await this.get(id);
    await this.#changes.run(
      async (trx) => {
        await removeAssignmentsOn(trx, { kind: 'project', id });
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

  async #save(project: Project): Promise<Project> {
    await this.#changes.run((trx) => saveProject(trx, project), {
      taken: `Conflict occurred attempting to store project: its domain has another project with the name ${project.name}.`,
      keepAdmin: true,
    });
    return project;
  }
}
