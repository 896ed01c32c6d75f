/** `/auth/…`: tokens, and what a token opens. */
import { Failure, isFailure } from '../../model/failure.ts';
import type { Token } from '../../model/identity.ts';
import { parseAuthenticate } from './auth-request.ts';
import { Authenticate } from './bodies.ts';
import { type Call, type Endpoint, withBody } from './endpoint.ts';
import { type Action, authorize } from './policy.ts';
import { catalogView, domainView, projectView, tokenView } from './views.ts';

export const tokenEndpoints: readonly Endpoint[] = [
  withBody(Authenticate, {
    method: 'POST',
    path: '/v3/auth/tokens',
    policy: 'public',
    status: 201,
    handle: async (call) => {
      const issued = await call.identity.logIn.authenticate(parseAuthenticate(call.body, call.request.ip));
      call.reply.header('X-Subject-Token', issued.text);
      return { token: viewOf(issued.token, call) };
    },
  }),
  {
    method: 'GET',
    path: '/v3/auth/tokens',
    policy: 'authenticated',
    handle: async (call) => {
      const token = await subjectOf(call, 'identity:validate_token');
      call.reply.header('X-Subject-Token', call.request.headers['x-subject-token']);
      return { token: viewOf(token, call) };
    },
  },
  {
    method: 'DELETE',
    path: '/v3/auth/tokens',
    policy: 'authenticated',
    handle: async (call) => {
      await call.identity.tokens.revoke(await subjectOf(call, 'identity:revoke_token'));
      return undefined;
    },
  },
  {
    method: 'GET',
    path: '/v3/auth/catalog',
    policy: 'identity:get_auth_catalog',
    handle: ({ services, token, links }) => ({
      catalog: catalogView(services(), token.scope),
      links: { self: links.self() },
    }),
  },
  {
    method: 'GET',
    path: '/v3/auth/projects',
    policy: 'identity:get_auth_projects',
    handle: async ({ identity, token, links }) => {
      const projects = await identity.projects.list({ userId: token.user.id, enabled: true });
      return { projects: projects.map((project) => projectView(project, links)), links: links.ofList() };
    },
  },
  {
    method: 'GET',
    path: '/v3/auth/domains',
    policy: 'identity:get_auth_domains',
    handle: async ({ identity, token, links }) => {
      const domains = await identity.domains.ofUser(token.user.id);
      return { domains: domains.map((domain) => domainView(domain, links)), links: links.ofList() };
    },
  },
  {
    method: 'GET',
    path: '/v3/auth/system',
    policy: 'identity:get_auth_system',
    handle: async ({ identity, token, links }) => {
      const roles = await identity.assignments.list({ userId: token.user.id, target: { kind: 'system' } });
      return { system: roles.length > 0 ? [{ all: true }] : [], links: { self: links.self() } };
    },
  },
];

function viewOf(token: Token, call: Call): object {
  return tokenView(token, call.query.text('nocatalog') === undefined ? call.services() : undefined);
}

/** The token that the request is about. A bad one is 404 (the caller's own token is fine, after all). */
async function subjectOf(call: Call, action: Action): Promise<Token> {
  const text = call.request.headers['x-subject-token'];
  const notFound = () => new Failure('resource-not-found', 'Could not find token.');
  if (typeof text !== 'string' || text === '') throw notFound();
  const subject = await call.identity.tokens.validate(text).catch((error: unknown) => {
    throw isFailure(error, 'unauthorized') ? notFound() : error;
  });
  authorize(action, call.token, { userId: subject.user.id });
  return subject;
}
