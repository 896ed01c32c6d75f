/** /events: every change of containers that the caller may see, as Server-Sent Events (not in Zun). */
import type { ContainerControl } from '../../../control/container/control.ts';
import { Failure } from '../../../model/failure.ts';
import type { Call, Endpoint } from '../endpoint.ts';
import { ownMinor } from '../microversion.ts';
import * as v from '../vocabulary.ts';

/** Then whoever watches comes back, with a token that counts then. */
const longestSeconds = 3600;

export function eventEndpoints(control: ContainerControl): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/events',
      summary: 'Watch containers: changes as Server-Sent Events, resumed by `Last-Event-ID` (not in Zun)',
      policy: 'container:get_all',
      checksPolicyItself: true,
      since: ownMinor,
      query: {
        all_projects: { schema: v.extendedBoolean },
        after: { schema: v.eventId },
        seconds: { schema: v.watchSeconds },
      },
      goesOn: true,
      status: 200,
      async handle(call) {
        const { all_projects: allProjects, seconds } = call.query;
        const stream = await control.watch(call.caller, {
          allProjects: v.isTrue(allProjects),
          after: afterOf(call),
          seconds: seconds === undefined ? longestSeconds : Number(seconds),
        });
        return { stream, contentType: 'text/event-stream' };
      },
    },
  ];
}

/** What a browser sends when it comes back wins over what the page asked for at first. */
function afterOf({ query, headers }: Call): number | null {
  const resumed = headers['last-event-id'];
  if (resumed === undefined) return query.after === undefined ? null : Number(query.after);
  if (typeof resumed === 'string' && /^\d{1,15}$/.test(resumed)) return Number(resumed);
  throw new Failure('invalid-value', 'Last-Event-ID: expected the id of an event');
}
