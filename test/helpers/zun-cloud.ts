/** A listening server with identity and the container API for the unmodified clients; network and agent are the small models. */
import type { AddressInfo } from 'node:net';
import { keystoneService } from '../../src/api/keystone/service.ts';
import { createServer } from '../../src/api/server.ts';
import { rewriteZunUrl } from '../../src/api/zun/rewrite-url.ts';
import { zunService } from '../../src/api/zun/service.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { createWorld, type World } from './container-world.ts';
import { TestIdentity } from './identity.ts';
import { OpenStackCli } from './openstack-cli.ts';

export interface ZunCloud {
  readonly world: World;
  /** The `openstack` command lines of a user and of an administrator; `.with('zun')` is the other client. */
  readonly demo: OpenStackCli;
  readonly admin: OpenStackCli;
  /** Id of the user's project. */
  readonly demoProject: string;
  close(): Promise<void>;
}

export async function openZunCloud(): Promise<ZunCloud> {
  const identity = await TestIdentity.open({ clock: systemClock });
  await identity.addUser('admin', 'admin');
  const demoProject = (await identity.addUser('demo')).project.id;
  const world = await createWorld();
  const log = silentLog();
  const app = await createServer({
    log,
    rewriteUrl: rewriteZunUrl,
    services: [
      keystoneService({ identity: identity.identity, config: world.config, log }),
      zunService({ control: world.control, authenticator: identity.identity, config: world.config }),
    ],
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const authUrl = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/identity/v3`;
  const user = (name: string) => ({ name, password: `${name}-password`, project: name });
  return {
    world,
    demo: OpenStackCli.forUser(authUrl, user('demo')),
    admin: OpenStackCli.forUser(authUrl, user('admin')),
    demoProject,
    async close() {
      await app.close();
      await world.close();
      await identity.close();
    },
  };
}
