/** What Kuryr cannot do without in a Neutron: asked once, at the start, with patience for one that is just starting. */
import type { Log } from '../base/log.ts';
import type { Session } from '../client/session.ts';
import { Failure } from '../model/failure.ts';
import { isPassing, retrying } from './retry.ts';

/** Alias → what it is called. */
export type Needed = Readonly<Record<string, string>>;

export const neededByAll: Needed = {
  subnet_allocation: 'subnet pools',
  'standard-attr-tag': 'tags of all resources (Neutron of 2017 or later)',
  binding: 'port bindings',
};

/** As upstream's Kuryr waits. */
const usualWaitsMs = [0, 1, 3, 7, 15, 31, 63].map((seconds) => seconds * 1000);

export interface ExtensionOptions {
  readonly needed?: Needed;
  readonly waitsMs?: readonly number[];
}

/** Throws `not-implemented` naming what is missing; what keeps the service from answering when it never does. */
export async function checkExtensions(
  session: Pick<Session, 'request'>,
  log: Log,
  { needed = neededByAll, waitsMs = usualWaitsMs }: ExtensionOptions = {},
): Promise<void> {
  const isWorthwhile = (error: unknown) => {
    const isSo = isPassing(error);
    if (isSo) log.warn({ error }, 'the network service does not answer: trying again');
    return isSo;
  };
  const request = { method: 'GET', path: '/extensions' };
  const { extensions } = await retrying(
    () => session.request<{ extensions: { alias: string }[] }>('network', request),
    { waitsMs, isWorthwhile },
  );
  const there = new Set(extensions.map(({ alias }) => alias));
  const missing = Object.entries(needed).filter(([alias]) => !there.has(alias));
  if (missing.length === 0) return;
  const list = missing.map(([alias, what]) => `${what} (extension ${alias})`).join(', ');
  throw new Failure('not-implemented', `this Neutron lacks ${list}: Kuryr needs it`);
}
