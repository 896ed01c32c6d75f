/**
 * A cloud, logged in to: the entry point of this room.
 *
 *     const cloud = connect({ credentials });
 *     const web = await cloud.containers.create({ image: 'nginx' }, { run: true });
 */
import { ContainerApi } from './containers.ts';
import { NetworkApi } from './networks.ts';
import { ProjectApi } from './projects.ts';
import { Session, type SessionOptions } from './session.ts';
import { WebhookApi } from './webhooks.ts';

export interface Cloud {
  readonly session: Session;
  readonly containers: ContainerApi;
  readonly networks: NetworkApi;
  readonly projects: ProjectApi;
  readonly webhooks: WebhookApi;
}

/** Makes no request yet: the first call logs in. */
export function connect(options: SessionOptions): Cloud {
  const session = new Session(options);
  return {
    session,
    containers: new ContainerApi(session),
    networks: new NetworkApi(session),
    projects: new ProjectApi(session),
    webhooks: new WebhookApi(session),
  };
}
