/**
 * Ways from a container to the resolver: on the link of the first network that it joins, for each family there.
 *
 * A container has one list of servers but maybe several networks, each with a resolver at the same address; a second way
 * to it would be refused by the kernel, and the container's start with it. Who has the way already is remembered by
 * the sandbox; of one that started under an earlier process, the kernel tells.
 */
import { resolverPrefix } from '../../model/resolver.ts';
import type { KuryrBackend } from './backend.ts';

const onLink = 1;

export interface StaticRoute {
  readonly Destination: string;
  readonly RouteType: number;
}

export class ResolverRoutes {
  readonly #backend: Pick<KuryrBackend, 'hasRoute'>;
  /** Sandbox and route → endpoint. */
  readonly #holders = new Map<string, string>();

  constructor(backend: Pick<KuryrBackend, 'hasRoute'>) {
    this.#backend = backend;
  }

  async join(sandbox: string, endpointId: string, versions: readonly (4 | 6)[]): Promise<StaticRoute[]> {
    const routes: StaticRoute[] = [];
    for (const to of [...new Set(versions)].map(resolverPrefix)) {
      const key = `${sandbox} ${to}`;
      const holder = this.#holders.get(key);
      const isTaken =
        holder === undefined ? await this.#backend.hasRoute(sandbox, to) : holder !== endpointId;
      if (isTaken) continue;
      this.#holders.set(key, endpointId);
      routes.push({ Destination: to, RouteType: onLink });
    }
    return routes;
  }

  leave(endpointId: string): void {
    for (const [key, holder] of this.#holders) if (holder === endpointId) this.#holders.delete(key);
  }
}
