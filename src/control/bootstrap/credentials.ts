/**
 * The files through which people and clients get in: `clouds.yaml`, `openrc` and `openrc-admin` in the state folder.
 *
 * Invariants: only their owner may read them; each is replaced in one step, so a reader never sees half of one; a
 * password, once written, is found again here and nowhere else. Passwords never reach a log.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { Failure } from '../../model/failure.ts';

/** An entry of clouds.yaml: who logs in, and where to. */
export interface Account {
  readonly cloud: string;
  readonly user: string;
  readonly project: string;
  readonly password: string;
}

export interface CredentialFiles {
  readonly cloudsYaml: string;
  readonly openrc: string;
  readonly openrcAdmin: string;
}

export interface Endpoint {
  /** Where the APIs are, without a slash at the end. */
  readonly url: string;
  readonly region: string;
}

const people = [
  { cloud: 'berth', user: 'demo', project: 'demo' },
  { cloud: 'berth-admin', user: 'admin', project: 'admin' },
] as const;

/** The demo user's account and the administrator's, with fresh passwords. */
export function newAccounts(): Account[] {
  return people.map((person) => ({ ...person, password: randomBytes(18).toString('base64url') }));
}

/** The accounts that an earlier start wrote, with the passwords as they stand; undefined when the file is gone. */
export function readAccounts(files: CredentialFiles): Account[] | undefined {
  if (!existsSync(files.cloudsYaml)) return undefined;
  const tree = parseYaml(files.cloudsYaml);
  return people.map((person) => {
    const password = tree?.clouds?.[person.cloud]?.auth?.password;
    if (typeof password === 'string') return { ...person, password };
    throw new Failure(
      'invalid-value',
      `${files.cloudsYaml}: cloud ${person.cloud} has no password; put it back, or delete the file to do without`,
    );
  });
}

/** Writes what differs from what is there; without accounts, nothing. */
export function writeAccounts(files: CredentialFiles, accounts: readonly Account[], at: Endpoint): void {
  if (accounts.length === 0) return;
  const clouds = Object.fromEntries(accounts.map((account) => [account.cloud, toCloud(account, at)]));
  replaceFile(files.cloudsYaml, stringify({ clouds }));
  for (const account of accounts) {
    replaceFile(account.cloud === 'berth' ? files.openrc : files.openrcAdmin, toOpenrc(account, at));
  }
}

function toCloud({ user, project, password }: Account, { url, region }: Endpoint) {
  return {
    auth: {
      auth_url: `${url}/identity/v3`,
      username: user,
      password,
      project_name: project,
      user_domain_name: 'Default',
      project_domain_name: 'Default',
    },
    region_name: region,
    identity_api_version: 3,
    interface: 'public',
  };
}

function toOpenrc({ user, project, password }: Account, { url, region }: Endpoint): string {
  const variables = {
    OS_AUTH_URL: `${url}/identity/v3`,
    OS_USERNAME: user,
    OS_PASSWORD: password,
    OS_PROJECT_NAME: project,
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: region,
    OS_IDENTITY_API_VERSION: '3',
    OS_AUTH_TYPE: 'password',
    OS_INTERFACE: 'public',
  };
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${shellWord(value)}\n`)
    .join('');
}

function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function replaceFile(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) {
    chmodSync(path, 0o600);
    return;
  }
  const next = `${path}.new`;
  writeFileSync(next, text, { mode: 0o600 });
  renameSync(next, path);
}

function parseYaml(file: string): {
  clouds?: Record<string, { auth?: { password?: unknown } } | undefined>;
} | null {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Failure('invalid-value', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}
