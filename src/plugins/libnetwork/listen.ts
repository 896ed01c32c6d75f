/**
 * Where dockerd finds the driver: a unix socket in its plugin folder, or an address of TCP that a file in one of its
 * specification folders names: `.spec` without TLS, `.json` with it. Reads and checks the settings.
 *
 * Whoever speaks to the driver commands it. So TCP without TLS is for loopback addresses, unless somebody insists, and TLS
 * demands a certificate of the client. Contract: Docker's plugin discovery.
 */
import { readFileSync } from 'node:fs';
import { Failure } from '../../model/failure.ts';

export interface ListenSettings {
  /** `tcp://127.0.0.1:23750`; empty = the unix socket. The second driver has the next port. */
  readonly listen: string;
  readonly specDir: string;
  /** TCP without TLS on any address. */
  readonly insecure: boolean;
  readonly tls: {
    /** The driver's own, and the authority of those who may call. */
    readonly certFile: string;
    readonly keyFile: string;
    readonly clientCaFile: string;
    /** What dockerd is told to use: files on its machine. */
    readonly dockerCaFile: string;
    readonly dockerCertFile: string;
    readonly dockerKeyFile: string;
  };
}

export interface TcpListen {
  readonly host: string;
  /** 0 = any that is free. */
  readonly port: number;
  readonly specDir: string;
  readonly tls?: TlsListen;
}

export interface TlsListen {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer;
  readonly docker: { readonly CAFile: string; readonly CertFile: string; readonly KeyFile: string };
}

/** Undefined = the unix socket. Throws `invalid-value` naming the setting. */
export function parseListen(settings: ListenSettings): TcpListen | undefined {
  const { listen, specDir, insecure, tls } = settings;
  if (listen === '') return undefined;
  const { host, port } = parseAddress(listen);
  const isTls = Object.values(tls).some((file) => file !== '');
  if (isTls) return { host, port, specDir, tls: readTls(tls) };
  if (insecure || isLoopback(host)) return { host, port, specDir };
  throw new Failure(
    'invalid-value',
    `setting kuryr.listen: ${JSON.stringify(listen)}: whoever reaches this address commands the driver: give kuryr.tls certificates, or a loopback address, or say kuryr.insecure: true`,
  );
}

function parseAddress(text: string): { host: string; port: number } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && url.protocol === 'tcp:' && ['', '/'].includes(url.pathname) && url.username === '';
  if (url && isPlain && url.hostname !== '' && url.port !== '') {
    return { host: url.hostname.replaceAll(/^\[|\]$/g, ''), port: Number(url.port) };
  }
  throw new Failure(
    'invalid-value',
    `setting kuryr.listen: ${JSON.stringify(text)}: expected tcp://ADDRESS:PORT, such as tcp://127.0.0.1:23750`,
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function readTls(tls: ListenSettings['tls']): TlsListen {
  const missing = Object.entries(tls).find(([, file]) => file === '');
  if (missing) {
    throw new Failure(
      'invalid-value',
      `setting kuryr.tls.${missing[0]} is missing: both sides show a certificate, so all six files are needed`,
    );
  }
  return {
    cert: read('certFile', tls.certFile),
    key: read('keyFile', tls.keyFile),
    clientCa: read('clientCaFile', tls.clientCaFile),
    docker: { CAFile: tls.dockerCaFile, CertFile: tls.dockerCertFile, KeyFile: tls.dockerKeyFile },
  };
}

function read(setting: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure('invalid-value', `setting kuryr.tls.${setting}: cannot read ${file} (${code})`);
  }
}
