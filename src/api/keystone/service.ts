/**
 * Keystone v3 under `/identity`: version documents, the table of endpoints, and errors in Keystone's shape
 * (`{"error":{"code":404,"message":"…","title":"Not Found"}}`).
 *
 * Does not know passwords from user names: it never logs a body, a header or a query string.
 */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../base/log.ts';
import { Failure } from '../../model/failure.ts';
import { baseUrlOf } from '../base-url.ts';
import type { ApiService } from '../server.ts';
import { absentEndpoints } from './absent.ts';
import { applicationCredentialEndpoints } from './application-credentials.ts';
import { assignmentEndpoints } from './assignments.ts';
import { catalogEndpoints } from './catalog.ts';
import { domainEndpoints } from './domains.ts';
import { type Endpoint, type KeystoneOptions, type Links, mount } from './endpoint.ts';
import { projectEndpoints } from './projects.ts';
import { roleEndpoints } from './roles.ts';
import { tokenEndpoints } from './tokens.ts';
import { userEndpoints } from './users.ts';

const versionEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/',
    policy: 'public',
    status: 300,
    handle: ({ links, reply }) => {
      reply.header('Location', `${links.to()}/`);
      return { versions: { values: [versionView(links)] } };
    },
  },
  {
    method: 'GET',
    path: '/v3',
    policy: 'public',
    handle: ({ links }) => ({ version: versionView(links) }),
  },
];

export const endpoints: readonly Endpoint[] = [
  ...versionEndpoints,
  ...tokenEndpoints,
  ...domainEndpoints,
  ...projectEndpoints,
  ...userEndpoints,
  ...roleEndpoints,
  ...assignmentEndpoints,
  ...applicationCredentialEndpoints,
  ...catalogEndpoints,
  ...absentEndpoints,
];

export function keystoneService(options: KeystoneOptions & { readonly log: Log }): ApiService {
  return {
    prefix: '/identity',
    register: (app: FastifyInstance) => {
      app.addHook('onSend', async (_request, reply) => {
        reply.header('Vary', 'X-Auth-Token');
      });
      app.setErrorHandler((error: FastifyError, request, reply) =>
        sendError(toFailure(error, request, options.log), { options, request, reply }),
      );
      app.setNotFoundHandler((request, reply) =>
        sendError(new Failure('resource-not-found', 'The resource could not be found.'), {
          options,
          request,
          reply,
        }),
      );
      mount(app, options, endpoints);
    },
  };
}

function versionView(links: Links) {
  return {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${links.to()}/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  };
}

interface Exchange {
  readonly options: KeystoneOptions;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

function sendError(failure: Failure, { options, request, reply }: Exchange): FastifyReply {
  const { status, message, retryAfterSeconds } = failure;
  if (status === 401) {
    reply.header('WWW-Authenticate', `Keystone uri="${baseUrlOf(request, options.config)}/identity"`);
  }
  if (retryAfterSeconds !== undefined) reply.header('Retry-After', String(retryAfterSeconds));
  return reply.code(status).send({ error: { code: status, message, title: STATUS_CODES[status] } });
}

/** Anything that is not ours is either the HTTP layer refusing a request or a bug. */
function toFailure(error: FastifyError, request: FastifyRequest, log: Log): Failure {
  if (error instanceof Failure) return error;
  if (error.statusCode === 413) return new Failure('payload-too-large', 'The request body is too large.');
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new Failure('invalid', 'The request is malformed.', { cause: error });
  }
  log.error({ request: request.id, error }, 'identity request failed');
  return new Failure('internal', `Internal error; the log has more under ${request.id}.`, { cause: error });
}
