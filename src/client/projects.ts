/** The little of the identity API that the other commands need: finding a project by its name. */
import { Failure, isFailure } from '../model/failure.ts';
import type { Session } from './session.ts';

export interface ProjectView {
  readonly id: string;
  readonly name: string;
}

export class ProjectApi {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** By id or by name; for administrators. Throws `project-not-found`. */
  async find(nameOrId: string): Promise<ProjectView> {
    try {
      const path = `/projects/${encodeURIComponent(nameOrId)}`;
      return (await this.#session.request<{ project: ProjectView }>('identity', { method: 'GET', path }))
        .project;
    } catch (error) {
      if (!(isFailure(error) && error.status === 404)) throw error;
    }
    const { projects } = await this.#session.request<{ projects: ProjectView[] }>('identity', {
      method: 'GET',
      path: '/projects',
      query: { name: nameOrId },
    });
    if (projects[0]) return projects[0];
    throw new Failure('project-not-found', `there is no project ${nameOrId}`);
  }
}
