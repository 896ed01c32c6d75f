/** A Keystone with its administrator and a catalog that leads to Neutron. */
import { randomBytes } from 'node:crypto';
import type { Credentials } from '../../../src/client/credentials.ts';
import { Session } from '../../../src/client/session.ts';
import type { ServicePlace } from './place.ts';
import { administrator, identityUrl, keystoneSettings, networkUrl, ports, toIni } from './settings.ts';

const domain = { name: 'Default' };

/** Of a user whose name is that of the project and the password as well. */
export function credentialsOf(name: string): Credentials {
  return {
    authUrl: identityUrl,
    logIn: { kind: 'password', user: { name, domain }, password: name },
    project: { name, domain },
    interface: 'public',
  };
}

/** The same, as clients of OpenStack find them. */
export function environmentOf(name: string): NodeJS.ProcessEnv {
  return {
    OS_AUTH_URL: identityUrl,
    OS_USERNAME: name,
    OS_PASSWORD: name,
    OS_PROJECT_NAME: name,
    OS_USER_DOMAIN_NAME: domain.name,
    OS_PROJECT_DOMAIN_NAME: domain.name,
  };
}

/** A user who is no administrator, in a project of its own. */
export async function addMember(name: string): Promise<void> {
  const session = new Session({ credentials: credentialsOf(administrator) });
  const ask = <T>(method: string, path: string, body?: object) =>
    session.request<T>('identity', { method, path, body });
  const { project } = await ask<{ project: { id: string } }>('POST', '/projects', { project: { name } });
  const { user } = await ask<{ user: { id: string } }>('POST', '/users', { user: { name, password: name } });
  const { roles } = await ask<{ roles: { id: string }[] }>('GET', '/roles?name=member');
  await ask('PUT', `/projects/${project.id}/users/${user.id}/roles/${roles[0]?.id}`);
}

export async function startIdentity(place: ServicePlace): Promise<void> {
  writeKeys(place);
  const config = ['--config-file', place.write('keystone.conf', toIni(keystoneSettings(place.folder)))];
  await place.machine.must('keystone-manage', [...config, 'db_sync']);
  place.spawn('keystone-wsgi-public', ['--host', '127.0.0.1', '--port', String(ports.identity)], {
    OS_KEYSTONE_CONFIG_DIR: place.folder,
    OS_KEYSTONE_CONFIG_FILES: 'keystone.conf',
  });
  const urls = ['--bootstrap-public-url', identityUrl, '--bootstrap-internal-url', identityUrl];
  const names = ['--bootstrap-password', administrator, '--bootstrap-region-id', 'RegionOne'];
  await place.machine.must('keystone-manage', [...config, 'bootstrap', ...names, ...urls]);
  const session = new Session({ credentials: credentialsOf(administrator) });
  await place.until('Keystone answers', async () => (await session.token()).value !== '');
  await addNeutron(session);
}

/** As `keystone-manage fernet_setup` and `credential_setup` would, in five seconds. */
function writeKeys(place: ServicePlace): void {
  for (const folder of ['fernet-keys', 'credential-keys']) {
    place.makeFolder(folder);
    for (const number of ['0', '1']) {
      const key = randomBytes(32).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
      place.write(`${folder}/${number}`, key);
    }
  }
}

async function addNeutron(session: Session): Promise<void> {
  const ask = <T>(path: string, body: object) =>
    session.request<T>('identity', { method: 'POST', path, body });
  const { service } = await ask<{ service: { id: string } }>('/services', {
    service: { type: 'network', name: 'neutron' },
  });
  await ask('/endpoints', {
    endpoint: { service_id: service.id, interface: 'public', url: networkUrl, region_id: 'RegionOne' },
  });
}
