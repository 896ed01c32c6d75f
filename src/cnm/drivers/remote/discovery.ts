/**
 * Where plugins of other makers are: sockets before specifications, `/etc` before `/usr/lib`, text before JSON, as dockerd
 * looks for them. The files are read at each look-up, so a plugin may come later.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Failure } from '../../../model/failure.ts';

export interface PluginAddress {
  readonly name: string;
  /** A unix socket, or a URL of http or https. */
  readonly socketPath?: string;
  readonly url?: string;
  readonly tls?: PluginTls;
}

export interface PluginTls {
  readonly skipVerify: boolean;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface PluginFolders {
  readonly sockets: string;
  /** In the order in which they count. */
  readonly specifications: readonly string[];
}

export const dockerFolders: PluginFolders = {
  sockets: '/run/docker/plugins',
  specifications: ['/etc/docker/plugins', '/usr/lib/docker/plugins'],
};

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.:/-]{0,254}$/;

/** Undefined when no plugin has the name. Throws `invalid-value` for a specification that cannot be used. */
export function findPlugin(name: string, folders: PluginFolders = dockerFolders): PluginAddress | undefined {
  if (!namePattern.test(name) || name.includes('..') || basename(name) !== name) return undefined;
  const places = (folder: string, suffix: string) => [
    join(folder, `${name}${suffix}`),
    join(folder, name, `${name}${suffix}`),
  ];
  const socketPath = places(folders.sockets, '.sock').find(isSocket);
  if (socketPath !== undefined) return { name, socketPath };
  for (const folder of folders.specifications) {
    for (const file of places(folder, '.spec')) {
      const text = read(file);
      if (text !== undefined) return addressOf(name, text.trim(), { skipVerify: true });
    }
    for (const file of places(folder, '.json')) {
      const text = read(file);
      if (text !== undefined) return fromJson(name, text, file);
    }
  }
  return undefined;
}

interface Specification {
  readonly Addr?: unknown;
  readonly TLSConfig?: {
    InsecureSkipVerify?: boolean;
    CAFile?: string;
    CertFile?: string;
    KeyFile?: string;
  } | null;
}

function fromJson(name: string, text: string, file: string): PluginAddress {
  let value: Specification;
  try {
    value = JSON.parse(text) as Specification;
  } catch (error) {
    throw new Failure('invalid-value', `plugin ${name}: ${file} is not JSON: ${(error as Error).message}`);
  }
  const { Addr: address, TLSConfig: tls } = value ?? {};
  if (!tls) return addressOf(name, String(address ?? ''), undefined);
  const { InsecureSkipVerify: skip = false, CAFile: ca = '', CertFile: cert = '', KeyFile: key = '' } = tls;
  return addressOf(name, String(address ?? ''), {
    // Without an authority there is nothing to verify by.
    skipVerify: skip || ca === '',
    ...(ca === '' ? {} : { caFile: ca }),
    ...(cert === '' ? {} : { certFile: cert }),
    ...(key === '' ? {} : { keyFile: key }),
  });
}

function addressOf(name: string, text: string, tls: PluginTls | undefined): PluginAddress {
  const scheme = /^([a-z]+):\/\//.exec(text)?.[1];
  if (scheme === 'unix') return { name, socketPath: text.slice('unix://'.length) };
  const isSecure = scheme === 'https' || (scheme === 'tcp' && tls !== undefined && tls.caFile !== undefined);
  if (scheme === 'http' || scheme === 'https' || scheme === 'tcp') {
    const url = text.replace(/^[a-z]+/, isSecure ? 'https' : 'http');
    if (URL.canParse(url)) return { name, url, ...(isSecure && tls ? { tls } : {}) };
  }
  throw new Failure(
    'invalid-value',
    `plugin ${name}: address ${JSON.stringify(text)}: expected unix://, tcp://, http:// or https://`,
  );
}

function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
