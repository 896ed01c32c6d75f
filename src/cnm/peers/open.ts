/** The peer directory that `--peers` names: a folder, or the address of a PostgreSQL or a NATS server. */
import type { Log } from '../../base/log.ts';
import { Failure } from '../../model/failure.ts';
import type { PeerDirectory } from './directory.ts';
import { FolderDirectory } from './folder.ts';

export interface PeersOptions {
  readonly peers: string;
  /** Never part of `peers`, which everybody on the machine may see. */
  readonly password: string | undefined;
  readonly log: Log;
}

/** Throws `invalid-value`. Only the client that is needed is loaded; nothing is asked yet. */
export async function openDirectory({ peers, password, log }: PeersOptions): Promise<PeerDirectory> {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(peers)) return new FolderDirectory({ folder: peers });
  const url = URL.canParse(peers) ? new URL(peers) : undefined;
  if (!url?.host) throw wrong('it is not an address');
  if (url.password !== '') {
    throw wrong('everybody on this machine could see the password: give it in BERTH_CNM_PEERS_PASSWORD');
  }
  switch (url.protocol) {
    case 'postgres:':
    case 'postgresql:': {
      const { PostgresDirectory } = await import('./postgres.ts');
      return new PostgresDirectory({ url, password, log });
    }
    case 'nats:':
    case 'tls:': {
      const { NatsDirectory } = await import('./nats.ts');
      return new NatsDirectory({ url, password, log });
    }
    default:
      throw wrong(
        `${url.protocol}// is none of postgresql://, nats:// and tls:// (NATS), nor is it a folder`,
      );
  }
}

function wrong(why: string): Failure {
  return new Failure('invalid-value', `--peers: ${why}`);
}
