/**
 * Neutron v2.0 under `/network`: version documents, extensions, the resources with their tags and actions, quotas.
 *
 * Only HTTP: bodies are unwrapped, answers wrapped, failures put into Neutron's shape. What resources are made of
 * and what may be done with them is src/control/network.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { resourceKinds } from '../../control/network/resource/kinds.ts';
import { Failure } from '../../model/failure.ts';
import { type ApiService, authenticated } from '../server.ts';
import { registerAddressGroupActions } from './address-groups.ts';
import { registerCollections } from './collections.ts';
import { registerDiagnostics } from './diagnostics.ts';
import { registerDocuments } from './documents.ts';
import { sendError } from './errors.ts';
import { registerOperations } from './operations.ts';
import type { NeutronOptions } from './options.ts';
import { registerQos } from './qos.ts';
import { registerQuotas } from './quotas.ts';
import { registerRouting } from './routing.ts';
import { registerSubnetPoolActions } from './subnet-pools.ts';
import { registerTags } from './tags.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without a token. */
    isPublic?: boolean;
  }
}

export function neutronService(options: NeutronOptions): ApiService {
  const authenticate = authenticated(options.authenticator, 'network');
  return {
    prefix: '/network',
    register: (app: FastifyInstance) => {
      app.decorateRequest('caller');
      app.addHook('onRequest', async (request) => {
        if (request.routeOptions.config.isPublic) return;
        await authenticate(request);
        request.caller = options.control.policy.recognise(request.caller);
      });
      app.setErrorHandler((error, request, reply) => sendError(error, { options, request, reply }));
      app.setNotFoundHandler((request, reply) =>
        sendError(nothingThere(request), { options, request, reply }),
      );
      registerDocuments(app, options);
      registerCollections(app, options);
      registerTags(app, options);
      registerSubnetPoolActions(app, options);
      registerAddressGroupActions(app, options);
      registerQos(app, options);
      registerQuotas(app, options);
      registerDiagnostics(app, options);
      registerRouting(app, options);
      registerOperations(app, options);
    },
  };
}

/** A path of a known resource that is not routed has the wrong method. */
function nothingThere(request: FastifyRequest): Failure {
  const [, , , first = '', second = ''] = request.url.split(/[/?]/);
  return [first, `${first}/${second}`].some((collection) => Object.hasOwn(resourceKinds, collection))
    ? new Failure('method-not-allowed', `${request.method} is not possible here.`)
    : new Failure('resource-not-found', 'The resource could not be found.');
}
