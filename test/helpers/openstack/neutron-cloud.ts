/**
 * A real Neutron on a simulated machine: Debian's Keystone, MariaDB, RabbitMQ, Neutron's server with ML2 and its Linux bridge
 * agent, all on the machine's loopback, with their data on its disk. They end with the machine.
 *
 * The test's own process enters the machine's network to ask it: one machine for a test file.
 */
import { chmodSync, copyFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Session } from '../../../src/client/session.ts';
import { neutronService } from '../../../src/openstack/network-service.ts';
import type { Machine } from '../machine.ts';
import { startBroker } from './broker.ts';
import { startDatabase } from './database.ts';
import { credentialsOf, startIdentity } from './identity.ts';
import { ServicePlace } from './place.ts';
import { administrator, neutronSettings, toIni } from './settings.ts';

/** The name of the machine among Neutron's agents. */
const host = 'compute-1';

export class NeutronCloud {
  readonly host = host;
  readonly session = new Session({ credentials: credentialsOf(administrator) });
  readonly service = neutronService({ session: this.session, host });

  private constructor() {}

  static async start(machine: Machine): Promise<NeutronCloud> {
    machine.enterNetwork();
    const place = new ServicePlace(machine);
    const [config] = await Promise.all([prepareNeutron(place), startIdentity(place), startBroker(place)]);
    const cloud = new NeutronCloud();
    await cloud.#startNeutron(place, config);
    return cloud;
  }

  /** The agent's first calls need a server that listens: without, it would wait for a minute. */
  async #startNeutron(place: ServicePlace, config: readonly string[]): Promise<void> {
    place.spawn('neutron-server', config);
    await place.until('Neutron answers', async () => (await this.service.list('networks', {})).length === 0);
    const wrapper = place.path('bin/ebtables');
    copyFileSync(resolve(import.meta.dirname, 'ebtables'), wrapper);
    chmodSync(wrapper, 0o755);
    place.spawn('neutron-linuxbridge-agent', config);
    const alive = { method: 'GET', path: '/agents', query: { host, alive: 'true' } };
    await place.until('the agent is alive', async () => {
      const { agents } = await this.session.request<{ agents: object[] }>('network', alive);
      return agents.length > 0;
    });
  }
}

/** The database with Neutron's own schema; returns the arguments of its programs. */
async function prepareNeutron(place: ServicePlace): Promise<readonly string[]> {
  const databaseSocket = await startDatabase(place, 'neutron');
  place.makeFolder('neutron');
  const settings = neutronSettings({ folder: place.folder, databaseSocket, host });
  const config = ['--config-file', place.write('neutron.conf', toIni(settings))];
  await place.machine.must('neutron-db-manage', [...config, 'upgrade', 'heads']);
  return config;
}
