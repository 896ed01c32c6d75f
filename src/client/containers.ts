/**
 * The container API (Zun v1) as functions. Names are as good as ids everywhere: the service resolves them.
 * Microversion 1.40 is asked for, the newest of upstream Zun, so that a real Zun answers the same; 1.41 where
 * something is asked for that no Zun has.
 */

import { isFailure } from '../model/failure.ts';
import { looksLikeUuid } from '../model/ids.ts';
import {
  type ActionView,
  type ContainerChanges,
  type ContainerRequest,
  type ContainerView,
  type DeletedContainerView,
  type ExecuteMore,
  type ExecutePlace,
  type HostView,
  type NamedContainer,
  ownFields,
  type PolicyExplanation,
  type PolicyView,
  type QuotaName,
  type QuotaUsage,
  type RefusedRemoval,
  type Removals,
  type ServiceChange,
  type ServiceView,
  type StatsView,
  type TerminalSize,
  type Verb,
} from './container-types.ts';
import type { EventReader } from './events.ts';
import type { Query } from './http.ts';
import type { ServiceRequest, Session } from './session.ts';

const zunVersion = '1.40';
const ownVersion = '1.41';

const ownFilters = ['label', 'created_since', 'created_before', 'changed_since', 'changed_before'];

interface Page<T> {
  readonly next: string | null;
  readonly items: readonly T[];
}

/** How much longer than it was asked to a stream of events may take to end. */
const answerSeconds = 15;

/** The longest that a timer can be: 24 days. */
const forEverMs = 2 ** 31 - 1;

export class ContainerApi {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** All that match, page by page; `limit` ends the list early. */
  async list(query: Query & { readonly limit?: number } = {}): Promise<ContainerView[]> {
    const { limit = Number.POSITIVE_INFINITY, ...filters } = query;
    const found: ContainerView[] = [];
    let marker: string | undefined;
    for (;;) {
      const rest = limit - found.length;
      const page = await this.#page({
        ...filters,
        ...(marker ? { marker } : {}),
        ...(rest < 1000 ? { limit: rest } : {}),
      });
      found.push(...page.items);
      marker = page.items.at(-1)?.uuid;
      if (!page.next || !marker || found.length >= limit) return found;
    }
  }

  async #page(query: Query): Promise<Page<ContainerView>> {
    const isOwn = ownFilters.some((name) => query[name] !== undefined);
    const request = { method: 'GET', path: '/containers', query };
    const body = await this.#send<{ containers: ContainerView[]; next: string | null }>(
      request,
      isOwn ? ownVersion : zunVersion,
    );
    return { items: body.containers, next: body.next };
  }

  get(container: string): Promise<ContainerView> {
    return this.#get(`/containers/${encode(container)}`);
  }

  /** With how it lives (start, end, exit code, health, heals) and how its processes are limited, which no Zun tells. */
  async getWhole(container: string): Promise<ContainerView> {
    const request = { method: 'GET', path: `/containers/${encode(container)}` };
    try {
      return await this.#send(request, ownVersion);
    } catch (error) {
      if (isFailure(error, 'not-acceptable')) return this.get(container);
      throw error;
    }
  }

  create(request: ContainerRequest, options: { readonly run: boolean }): Promise<ContainerView> {
    const version = ownFields.some((name) => name in request) ? ownVersion : zunVersion;
    const query = { run: options.run };
    return this.#send({ method: 'POST', path: '/containers', query, body: request }, version);
  }

  update(container: string, changes: ContainerChanges): Promise<ContainerView> {
    return this.#send({ method: 'PATCH', path: `/containers/${encode(container)}`, body: changes });
  }

  async remove(
    container: string,
    options: { readonly force?: boolean; readonly stop?: boolean } = {},
  ): Promise<void> {
    await this.#send({ method: 'DELETE', path: `/containers/${encode(container)}`, query: options });
  }

  /** All that the filters choose, page by page; `all` instead of any filter. Throws for what goes wrong as a whole. */
  async removeMany(query: Query): Promise<Removals> {
    const accepted: NamedContainer[] = [];
    const refused: RefusedRemoval[] = [];
    let marker: string | null = null;
    do {
      const request = { method: 'DELETE', path: '/containers', query: { ...query, marker } };
      const page: Removals & { readonly next: string | null } = await this.#send(request, ownVersion);
      accepted.push(...page.accepted);
      refused.push(...page.refused);
      marker = page.next === null ? null : new URL(page.next).searchParams.get('marker');
    } while (marker !== null);
    return { accepted, refused };
  }

  /** Returns the request's id, under which `action` tells how it ended. */
  async act(container: string, verb: Verb, query: Query = {}): Promise<string> {
    const path = `/containers/${encode(container)}/${verb}`;
    const { headers } = await this.#session.send('container', withVersion({ method: 'POST', path, query }));
    return headers.get('x-openstack-request-id') ?? '';
  }

  /** What it writes, as it writes it; resolves when it ends. */
  async followLogs(container: string, query: Query, onText: (text: string) => void): Promise<void> {
    const path = `/containers/${encode(container)}/logs`;
    const request = { method: 'GET', path, query: { ...query, follow: true }, timeoutMs: forEverMs, onText };
    const rest = await this.#send<string | undefined>(request, ownVersion);
    if (rest !== undefined) onText(String(rest));
  }

  /** Also of a deleted one, by its uuid, where they are kept. */
  async logs(container: string, query: Query = {}): Promise<string> {
    const request = { method: 'GET', path: `/containers/${encode(container)}/logs`, query };
    try {
      return await this.#send(request);
    } catch (error) {
      if (!looksLikeUuid(container) || !isFailure(error, 'container-not-found')) throw error;
      return this.#send<string>(request, ownVersion).catch((later) => {
        // No Zun keeps any.
        throw isFailure(later, 'not-acceptable') ? error : later;
      });
    }
  }

  /** A deleted one, and its log. */
  async forget(uuid: string): Promise<void> {
    await this.#send({ method: 'DELETE', path: `/deleted_containers/${encode(uuid)}` }, ownVersion);
  }

  /** Newest first; page by page, until there are `limit`. */
  async listDeleted(query: Query & { readonly limit?: number } = {}): Promise<DeletedContainerView[]> {
    const { limit = Number.POSITIVE_INFINITY, ...filters } = query;
    const found: DeletedContainerView[] = [];
    let marker: string | undefined;
    for (;;) {
      const rest = limit - found.length;
      const page = { ...filters, marker, ...(rest < 1000 ? { limit: rest } : {}) };
      const request = { method: 'GET', path: '/deleted_containers', query: page };
      const { deleted_containers: items, next } = await this.#send<{
        deleted_containers: DeletedContainerView[];
        next: string | null;
      }>(request, ownVersion);
      found.push(...items);
      marker = items.at(-1)?.uuid;
      if (next === null || found.length >= limit) return found;
    }
  }

  /** `command` is one line, split by the service as a POSIX shell splits words. */
  execute(
    container: string,
    command: string,
    more: ExecuteMore = {},
  ): Promise<{ output: string; exit_code: number }> {
    const request = { method: 'POST', path: `/containers/${encode(container)}/execute` } as const;
    if (Object.keys(more).length === 0) return this.#send({ ...request, query: { command } });
    return this.#send({ ...request, body: { command, ...more } }, ownVersion);
  }

  /** The address of a console of its own process: a WebSocket, for one use. */
  attach(container: string): Promise<string> {
    return this.#get(`/containers/${encode(container)}/attach`);
  }

  /** Makes a command with a terminal ready, which starts when its console, `proxy_url`, is opened. */
  startExec(
    container: string,
    command: string,
    place: ExecutePlace = {},
  ): Promise<{ readonly exec_id: string; readonly proxy_url: string }> {
    const request = { method: 'POST', path: `/containers/${encode(container)}/execute` } as const;
    const query = { run: false, interactive: true };
    if (Object.keys(place).length === 0) return this.#send({ ...request, query: { command, ...query } });
    return this.#send({ ...request, body: { command, ...query, ...place } }, ownVersion);
  }

  async resize(container: string, size: TerminalSize): Promise<void> {
    await this.#resize(container, 'resize', { h: size.rows, w: size.columns });
  }

  async resizeExec(container: string, execId: string, size: TerminalSize): Promise<void> {
    await this.#resize(container, 'execute_resize', { exec_id: execId, h: size.rows, w: size.columns });
  }

  async #resize(container: string, verb: string, query: Query): Promise<void> {
    await this.#send({ method: 'POST', path: `/containers/${encode(container)}/${verb}`, query });
  }

  top(container: string, psArgs?: string): Promise<{ Titles: string[]; Processes: string[][] }> {
    return this.#get(`/containers/${encode(container)}/top`, { ps_args: psArgs });
  }

  stats(container: string): Promise<StatsView> {
    return this.#get(`/containers/${encode(container)}/stats`);
  }

  async actions(container: string): Promise<ActionView[]> {
    const path = `/containers/${encode(container)}/container_actions`;
    return (await this.#get<{ containerActions: ActionView[] }>(path)).containerActions;
  }

  action(container: string, requestId: string): Promise<ActionView> {
    return this.#get(`/containers/${encode(container)}/container_actions/${encode(requestId)}`);
  }

  async services(): Promise<ServiceView[]> {
    return (await this.#get<{ services: ServiceView[] }>('/services')).services;
  }

  async setService(host: string, binary: string, change: ServiceChange): Promise<void> {
    const { verb, ...query } = change;
    await this.#send({ method: 'PUT', path: `/services/${verb}`, query: { host, binary, ...query } });
  }

  async hosts(): Promise<HostView[]> {
    return (await this.#get<{ hosts: HostView[] }>('/hosts')).hosts;
  }

  host(host: string): Promise<HostView> {
    return this.#get(`/hosts/${encode(host)}`);
  }

  quota(projectId: string): Promise<QuotaUsage> {
    return this.#get(`/quotas/${encode(projectId)}`, { usages: 'True' });
  }

  async setQuota(projectId: string, limits: Partial<Record<QuotaName, number>>): Promise<void> {
    await this.#send({ method: 'PUT', path: `/quotas/${encode(projectId)}`, body: limits });
  }

  async resetQuota(projectId: string): Promise<void> {
    await this.#send({ method: 'DELETE', path: `/quotas/${encode(projectId)}` });
  }

  /** Those after an id, as they come, for a time; 0 = what there is. Fails when nothing at all is heard for long. */
  async watch(query: Query & { readonly seconds: number }, reader: EventReader): Promise<void> {
    const timeoutMs = (query.seconds + answerSeconds) * 1000;
    const onText = (text: string) => reader.push(text);
    const request = { method: 'GET', path: '/events', query, timeoutMs, onText };
    const rest = await this.#send<string | undefined>(request, ownVersion);
    if (rest !== undefined) reader.push(rest);
  }

  async policies(): Promise<PolicyView[]> {
    return (await this.#get<{ policies: PolicyView[] }>('/policies')).policies;
  }

  explainPolicy(action: string, query: Query): Promise<PolicyExplanation> {
    return this.#get(`/policies/${encode(action)}/explain`, query);
  }

  #get<T>(path: string, query?: Query): Promise<T> {
    return this.#send({ method: 'GET', path, query });
  }

  #send<T>(request: ServiceRequest, version = zunVersion): Promise<T> {
    return this.#session.request<T>('container', withVersion(request, version));
  }
}

function withVersion(request: ServiceRequest, version = zunVersion): ServiceRequest {
  return { ...request, headers: { 'openstack-api-version': `container ${version}` } };
}

function encode(part: string): string {
  return encodeURIComponent(part);
}
