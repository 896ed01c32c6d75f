/**
 * The first start: what an installation needs before anybody can use it, made through the same use cases as everything
 * else. Two projects with a user each, an external network, and a network for the demo project with a way out.
 *
 * Every step ensures; a start that is killed in between is completed by the next one, with new passwords. Once all
 * is done it is never done again: what an administrator renames or deletes later stays that way. Only the credential
 * files follow the server's address at every start.
 */
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../../base/config-schema.ts';
import type { Log } from '../../base/log.ts';
import { adminRole } from '../../model/identity.ts';
import type { Db } from '../../store/database.ts';
import { ensureSetting, findSetting } from '../../store/settings.ts';
import { defaultDomainId } from '../identity/domains.ts';
import type { Identity } from '../identity/identity.ts';
import type { NetworkControl } from '../network/network-control.ts';
import {
  type Account,
  type CredentialFiles,
  newAccounts,
  readAccounts,
  writeAccounts,
} from './credentials.ts';
import { ensureFirstNetworks } from './first-networks.ts';
import { type Member, toCaller } from './member.ts';

export interface BootstrapOptions {
  readonly db: Db;
  readonly identity: Identity;
  readonly network: Pick<NetworkControl, 'networks' | 'subnets' | 'ports' | 'routers'>;
  readonly config: Pick<Config, 'network' | 'region'>;
  readonly files: CredentialFiles;
  readonly log: Log;
}

export interface Installation {
  /** Writes the credential files for clients that reach this server at `url` (without a slash at the end). */
  publish(url: string): Promise<void>;
}

const doneKey = 'bootstrapped-at';

/** To be awaited before the server listens: nobody may see an installation that is half made. */
export async function bootstrap(options: BootstrapOptions): Promise<Installation> {
  const { db, config, files, log } = options;
  const { region } = config;
  chmodSync(dirname(files.cloudsYaml), 0o700);
  if ((await findSetting(db, doneKey)) !== undefined) {
    const accounts = readAccounts(files);
    if (!accounts) log.warn({ file: files.cloudsYaml }, 'gone; its passwords cannot be shown again');
    return { publish: async (url) => writeAccounts(files, accounts ?? [], { url, region }) };
  }
  const accounts = newAccounts();
  const members = await ensureMembers(options.identity, accounts);
  await ensureFirstNetworks(options.network, { config, ...members });
  return {
    publish: async (url) => {
      writeAccounts(files, accounts, { url, region });
      await ensureSetting(db, doneKey, () => new Date().toISOString());
      log.info({ folder: dirname(files.cloudsYaml) }, 'first start: projects, users and networks made');
    },
  };
}

const roleOf: Readonly<Record<string, string>> = { admin: adminRole, demo: 'member' };

async function ensureMembers(
  identity: Identity,
  accounts: readonly Account[],
): Promise<{ readonly admin: Member; readonly demo: Member }> {
  await identity.ensureFoundation();
  const members = new Map<string, Member>();
  for (const account of accounts) members.set(account.user, await ensureMember(identity, account));
  const [admin, demo] = [members.get('admin'), members.get('demo')];
  if (!admin || !demo) throw new Error('the accounts of a first start are admin and demo');
  await identity.assignments.add({
    userId: admin.caller.userId,
    roleId: admin.roleId,
    target: { kind: 'system' },
  });
  return { admin, demo };
}

async function ensureMember(identity: Identity, account: Account): Promise<Member> {
  const domainId = defaultDomainId;
  const project = await identity.projects.ensure({ name: account.project, domainId });
  const wanted = { name: account.user, domainId, password: account.password, defaultProjectId: project.id };
  const { user, isNew } = await identity.users.ensure(wanted);
  if (!isNew) await identity.users.update(user.id, { password: account.password });
  const role = await identity.roles.ensure({ name: roleOf[account.user] ?? 'reader' });
  await identity.assignments.add({
    userId: user.id,
    roleId: role.id,
    target: { kind: 'project', id: project.id },
  });
  return { caller: toCaller(user, project, role.name), roleId: role.id };
}
