/** A listening server with identity and the network service, for the real clients: users `admin` and `demo`. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { keystoneService } from '../../src/api/keystone/service.ts';
import { neutronService } from '../../src/api/neutron/service.ts';
import { createServer } from '../../src/api/server.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Credentials } from '../../src/client/credentials.ts';
import type { Caller } from '../../src/model/caller.ts';
import { TestIdentity } from './identity.ts';
import { createTestNetwork, type TestNetwork } from './network-control.ts';
import { OpenStackCli } from './openstack-cli.ts';

export class NetworkCloud implements AsyncDisposable {
  readonly world: TestNetwork;
  readonly adminProject: string;
  readonly #identity: TestIdentity;
  readonly #app: FastifyInstance;
  readonly #authUrl: string;

  private constructor(parts: {
    world: TestNetwork;
    adminProject: string;
    identity: TestIdentity;
    app: FastifyInstance;
  }) {
    this.world = parts.world;
    this.adminProject = parts.adminProject;
    this.#identity = parts.identity;
    this.#app = parts.app;
    const { port } = parts.app.server.address() as AddressInfo;
    this.#authUrl = `http://127.0.0.1:${port}/identity/v3`;
  }

  static async open(): Promise<NetworkCloud> {
    const identity = await TestIdentity.open({ clock: systemClock });
    const adminProject = (await identity.addUser('admin', 'admin')).project.id;
    await identity.addUser('demo');
    const world = await createTestNetwork();
    const log = silentLog();
    const config = { publicUrl: '', region: 'RegionOne', agent: { availabilityZone: 'nova' } };
    // The container service is not there: clients must not look for it.
    const services = [
      { type: 'identity', name: 'keystone', path: '/identity/v3' },
      { type: 'network', name: 'neutron', path: '/network' },
    ];
    const app = await createServer({
      log,
      services: [
        keystoneService({ identity: identity.identity, config, log, services }),
        neutronService({ control: world.control, authenticator: identity.identity, config, log }),
      ],
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    return new NetworkCloud({ world, adminProject, identity, app });
  }

  /** Credentials of a user for our own client. */
  credentials(user: 'admin' | 'demo'): Credentials {
    const domain = { name: 'Default' };
    return {
      authUrl: this.#authUrl,
      logIn: { kind: 'password', user: { name: user, domain }, password: `${user}-password` },
      project: { name: user, domain },
      interface: 'public',
    };
  }

  cli(user: 'admin' | 'demo'): OpenStackCli {
    return OpenStackCli.forUser(this.#authUrl, { name: user, password: `${user}-password`, project: user });
  }

  async adminCaller(): Promise<Caller> {
    const token = await this.#identity.token(await this.#identity.addUser('admin', 'admin'));
    return this.#identity.identity.authenticate(token, 'req-test');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close();
    await this.world[Symbol.asyncDispose]();
    await this.#identity.close();
  }
}
