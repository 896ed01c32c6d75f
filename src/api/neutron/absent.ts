/**
 * Resources that this service knows but has none of: their lists are empty, which is the truth and lets clients
 * that look everywhere go on. Making one is refused.
 */
import type { FastifyInstance } from 'fastify';
import { Failure } from '../../model/failure.ts';

/** Path → key of the list. */
const absent: Readonly<Record<string, string>> = {
  agents: 'agents',
};

export function registerAbsent(app: FastifyInstance): void {
  for (const [path, plural] of Object.entries(absent)) {
    app.get(`/v2.0/${path}`, async () => ({ [plural]: [] }));

    app.get<{ Params: { id: string } }>(`/v2.0/${path}/:id`, async ({ params }) => {
      throw new Failure('resource-not-found', `${params.id} could not be found in ${plural}.`);
    });

    app.post(`/v2.0/${path}`, async () => {
      throw new Failure('not-implemented', `${plural} are not offered yet.`);
    });
  }
}
