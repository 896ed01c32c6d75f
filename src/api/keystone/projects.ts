/** `/projects`. */
import type { Static } from 'typebox';
import type { ProjectFields } from '../../control/identity/projects.ts';
import { CreateProject, UpdateProject } from './bodies.ts';
import { type Endpoint, type Query, withBody } from './endpoint.ts';
import { assertSameDomain, domainOf } from './own-domain.ts';
import { projectView } from './views.ts';

export const projectEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/v3/projects',
    policy: 'identity:list_projects',
    handle: async ({ identity, query, links }) => {
      const projects = asksForDomains(query) ? [] : await identity.projects.list(filterOf(query));
      const tags = query.text('tags')?.split(',') ?? [];
      return {
        projects: projects
          .filter((project) => tags.every((tag) => project.tags.includes(tag)))
          .map((project) => projectView(project, links)),
        links: links.ofList(),
      };
    },
  },
  withBody(CreateProject, {
    method: 'POST',
    path: '/v3/projects',
    policy: 'identity:create_project',
    status: 201,
    handle: async ({ identity, token, body: { project: body }, links }) => {
      const domainId = body.domain_id ?? domainOf(token);
      assertSameDomain('project.parent_id', body.parent_id, domainId);
      const project = await identity.projects.create({ ...fieldsOf(body), name: body.name, domainId });
      return { project: projectView(project, links) };
    },
  }),
  {
    method: 'GET',
    path: '/v3/projects/:project_id',
    policy: 'identity:get_project',
    handle: async ({ identity, params: { project_id = '' }, links }) => ({
      project: projectView(await identity.projects.get(project_id), links),
    }),
  },
  withBody(UpdateProject, {
    method: 'PATCH',
    path: '/v3/projects/:project_id',
    policy: 'identity:update_project',
    handle: async ({ identity, params: { project_id = '' }, body: { project: body }, links }) => {
      const { domainId } = await identity.projects.get(project_id);
      assertSameDomain('project.domain_id', body.domain_id, domainId);
      assertSameDomain('project.parent_id', body.parent_id, domainId);
      const project = await identity.projects.update(project_id, fieldsOf(body));
      return { project: projectView(project, links) };
    },
  }),
  {
    method: 'DELETE',
    path: '/v3/projects/:project_id',
    policy: 'identity:delete_project',
    handle: async ({ identity, params: { project_id = '' } }) => {
      await identity.projects.remove(project_id);
      return undefined;
    },
  },
  {
    method: 'GET',
    path: '/v3/users/:user_id/projects',
    policy: 'identity:list_user_projects',
    handle: async ({ identity, params: { user_id: userId = '' }, query, links }) => {
      await identity.users.get(userId);
      const projects = await identity.projects.list({ ...filterOf(query), userId });
      return { projects: projects.map((project) => projectView(project, links)), links: links.ofList() };
    },
  },
];

/** Every parent is a domain here, so filtering by one is filtering by the other. */
function filterOf(query: Query) {
  return {
    name: query.text('name'),
    domainId: query.text('domain_id') ?? query.text('parent_id'),
    enabled: query.flag('enabled'),
  };
}

/** Keystone can show domains as projects; here they are not. */
function asksForDomains(query: Query): boolean {
  return query.flag('is_domain') === true;
}

function fieldsOf(body: Static<typeof UpdateProject>['project']): ProjectFields {
  const { name, description, enabled, tags } = body;
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description: description ?? '' }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(tags === undefined ? {} : { tags }),
  };
}
