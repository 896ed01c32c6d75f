/** Reading clouds.yaml, the file that all OpenStack clients share. Absent and unreadable files do not exist. */
import { readFile } from 'node:fs/promises';
import { Failure } from '../../model/failure.ts';
import { parseBlockMap } from './block-map.ts';

export interface CloudAuth {
  readonly auth_url?: string;
  readonly username?: string;
  readonly user_id?: string;
  readonly password?: string;
  readonly token?: string;
  readonly user_domain_name?: string;
  readonly user_domain_id?: string;
  readonly project_name?: string;
  readonly project_id?: string;
  readonly project_domain_name?: string;
  readonly project_domain_id?: string;
  readonly application_credential_id?: string;
  readonly application_credential_name?: string;
  readonly application_credential_secret?: string;
}

export interface CloudEntry {
  readonly auth: CloudAuth;
  readonly auth_type?: string;
  readonly region_name?: string;
  readonly interface?: string;
  readonly cacert?: string;
  readonly verify?: boolean;
  readonly container_endpoint_override?: string;
  readonly network_endpoint_override?: string;
  readonly identity_endpoint_override?: string;
}

export interface CloudsFile {
  readonly path: string;
  readonly clouds: Readonly<Record<string, CloudEntry>>;
}

export async function readClouds(path: string): Promise<CloudsFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  let file: unknown;
  try {
    file = parseBlockMap(text) ?? (await import('../yaml.ts')).parseYaml(text);
  } catch (error) {
    throw new Failure('invalid-value', `${path}: ${(error as Error).message.split('\n')[0]}`, {
      cause: error,
    });
  }
  const clouds = (file as { clouds?: Record<string, Partial<CloudEntry>> } | null)?.clouds;
  if (typeof clouds !== 'object' || !clouds) {
    throw new Failure('invalid-value', `${path}: expected a map "clouds" of clouds by name`);
  }
  return {
    path,
    clouds: Object.fromEntries(
      Object.entries(clouds).map(([name, entry]) => [name, { ...entry, auth: entry?.auth ?? {} }]),
    ),
  };
}
