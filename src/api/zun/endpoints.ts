/** Every endpoint of the container API. Routing, validation and docs/guide/container-api.md are made from this list. */
import type { ContainerControl } from '../../control/container/control.ts';
import type { Endpoint } from './endpoint.ts';
import { archiveEndpoints } from './endpoints/archives.ts';
import { bulkDeleteEndpoints } from './endpoints/bulk-delete.ts';
import { containerEndpoints } from './endpoints/containers.ts';
import { deletedEndpoints } from './endpoints/deleted.ts';
import { eventEndpoints } from './endpoints/events.ts';
import { hostEndpoints } from './endpoints/hosts.ts';
import { imageEndpoints } from './endpoints/images.ts';
import { networkEndpoints } from './endpoints/networks.ts';
import { notYetEndpoints } from './endpoints/not-yet.ts';
import { policyEndpoints } from './endpoints/policies.ts';
import { quotaEndpoints } from './endpoints/quotas.ts';
import { registryEndpoints } from './endpoints/registries.ts';
import { terminalEndpoints } from './endpoints/terminals.ts';
import { verbEndpoints } from './endpoints/verbs.ts';
import { webhookEndpoints } from './endpoints/webhooks.ts';

export function zunEndpoints(control: ContainerControl): Endpoint[] {
  return [
    ...containerEndpoints(control),
    ...bulkDeleteEndpoints(control),
    ...verbEndpoints(control),
    ...deletedEndpoints(control),
    ...archiveEndpoints(control),
    ...terminalEndpoints(control),
    ...networkEndpoints(control),
    ...hostEndpoints(control),
    ...quotaEndpoints(control),
    ...imageEndpoints(control),
    ...registryEndpoints(control),
    ...policyEndpoints(control),
    ...eventEndpoints(control),
    ...webhookEndpoints(control),
    ...notYetEndpoints(control),
  ];
}
