/** A cloud's entry (from a file, or made of options and variables) compiled into credentials. */
import type { Credentials, LogIn, NamedRef } from '../../client/credentials.ts';
import { Failure } from '../../model/failure.ts';
import type { CloudAuth, CloudEntry } from './clouds-yaml.ts';
import type { GlobalOptions } from './options.ts';

export interface FoundCloud {
  readonly credentials: Credentials;
  /** Certificate authorities to trust besides the usual: a file's name. */
  readonly cacert?: string;
  readonly insecure: boolean;
  /** For people: `cloud berth of /var/lib/berth/clouds.yaml`. */
  readonly from: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

const authFields = [
  'auth_url',
  'username',
  'user_id',
  'password',
  'token',
  'user_domain_name',
  'user_domain_id',
  'project_name',
  'project_id',
  'project_domain_name',
  'project_domain_id',
  'application_credential_id',
  'application_credential_name',
  'application_credential_secret',
] as const satisfies readonly (keyof CloudAuth)[];

const otherFields = ['auth_type', 'region_name', 'interface', 'cacert'] as const;

/** The `--os-…` options, then the `OS_…` variables, as an entry of clouds.yaml would say it. */
export function fromOptions(options: GlobalOptions, env: Variables): CloudEntry {
  const value = (field: string): string | undefined => {
    const option = `os_${field}`.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return (options as Record<string, string | undefined>)[option] ?? env[`OS_${field.toUpperCase()}`];
  };
  const pick = (fields: readonly string[]) =>
    Object.fromEntries(
      fields.map((field) => [field, value(field)] as const).filter(([, text]) => text !== undefined),
    );
  return {
    auth: pick(authFields),
    ...pick(otherFields),
    ...(options.insecure ? { verify: false } : {}),
  };
}

export function credentialsOf(entry: CloudEntry & { readonly from: string }): FoundCloud {
  const { auth, from } = entry;
  if (!auth.auth_url) throw incomplete(from, 'auth_url');
  const project = reference(auth, 'project');
  return {
    credentials: {
      authUrl: auth.auth_url,
      logIn: logInOf(entry),
      ...(project ? { project } : {}),
      ...(entry.region_name ? { region: entry.region_name } : {}),
      interface: interfaceOf(entry.interface),
      endpoints: endpointsOf(entry),
    },
    ...(entry.cacert ? { cacert: entry.cacert } : {}),
    insecure: entry.verify === false,
    from,
  };
}

function logInOf({ auth, auth_type: type, from }: CloudEntry & { readonly from: string }): LogIn {
  const user = reference(auth, 'user');
  if (auth.application_credential_secret && type !== 'password') {
    const { application_credential_id: id, application_credential_name: name } = auth;
    if (!id && !(name && user)) throw incomplete(from, 'application_credential_id');
    return {
      kind: 'application-credential',
      credential: id ? { id } : { name: name ?? '' },
      ...(user ? { user } : {}),
      secret: auth.application_credential_secret,
    };
  }
  if (auth.token && (/token/.test(type ?? '') || !auth.password)) return { kind: 'token', token: auth.token };
  if (!user) throw incomplete(from, 'username');
  if (auth.password === undefined) throw incomplete(from, 'password');
  return { kind: 'password', user, password: auth.password };
}

function reference(auth: CloudAuth, kind: 'user' | 'project'): NamedRef | undefined {
  const id = auth[`${kind}_id`];
  if (id) return { id };
  const name = kind === 'user' ? auth.username : auth.project_name;
  if (!name) return undefined;
  const domainId = auth[`${kind}_domain_id`];
  const domain = domainId ? { id: domainId } : { name: auth[`${kind}_domain_name`] ?? 'Default' };
  return { name, domain };
}

function endpointsOf(entry: CloudEntry): Record<string, string> {
  const given = [
    ['container', entry.container_endpoint_override],
    ['network', entry.network_endpoint_override],
    ['identity', entry.identity_endpoint_override],
  ] as const;
  return Object.fromEntries(given.filter(([, url]) => url)) as Record<string, string>;
}

function interfaceOf(text = 'public'): Credentials['interface'] {
  // Old files say `publicURL`.
  const name = text.replace(/URL$/, '');
  if (name === 'public' || name === 'internal' || name === 'admin') return name;
  throw new Failure('invalid-value', `interface ${text}: expected public, internal or admin`);
}

function incomplete(from: string, field: string): Failure {
  return new Failure('unauthorized', `cannot log in with ${from}: ${field} is missing`);
}
