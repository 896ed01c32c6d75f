/** Webhooks, which no Zun has: microversion 1.41. Names are as good as ids. */
import type { Query } from './http.ts';
import type { ServiceRequest, Session } from './session.ts';

export interface WebhookView {
  readonly uuid: string;
  readonly name: string | null;
  readonly url: string;
  readonly events: readonly string[];
  readonly all_projects: boolean;
  /** `***`, but in the answer to whoever had it made. */
  readonly secret: string;
  readonly enabled: boolean;
  readonly disabled_reason: string | null;
  readonly project_id: string;
  readonly user_id: string;
  readonly created_at: string;
  readonly updated_at: string | null;
  readonly delivery: {
    /** Everything up to this event has been told. */
    readonly after: number;
    readonly last_event_id: number | null;
    readonly last_status: number | null;
    readonly last_error: string | null;
    readonly last_attempt_at: string | null;
    readonly delivered_at: string | null;
    readonly failures: number;
    readonly failing_since: string | null;
    readonly next_attempt_at: string | null;
  };
}

export interface WebhookRequest {
  readonly url?: string;
  readonly name?: string;
  readonly events?: readonly string[];
  /** Null = a new one is to be made. */
  readonly secret?: string | null;
  readonly enabled?: boolean;
  readonly after?: number;
  readonly all_projects?: boolean;
}

export interface WebhookTrial {
  readonly works: boolean;
  readonly status: number | null;
  readonly reason: string | null;
}

export class WebhookApi {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** All that match, page by page. */
  async list(query: Query = {}): Promise<readonly WebhookView[]> {
    const found: WebhookView[] = [];
    for (;;) {
      const marker = found.at(-1)?.uuid;
      const request = { method: 'GET', path: '', query: { ...query, marker } };
      const page = await this.#send<{ webhooks: WebhookView[]; next: string | null }>(request);
      found.push(...page.webhooks);
      if (page.next === null || page.webhooks.length === 0) return found;
    }
  }

  get(webhook: string): Promise<WebhookView> {
    return this.#send({ method: 'GET', path: pathOf(webhook) });
  }

  create(body: WebhookRequest): Promise<WebhookView> {
    return this.#send({ method: 'POST', path: '', body });
  }

  update(webhook: string, body: WebhookRequest): Promise<WebhookView> {
    return this.#send({ method: 'PATCH', path: pathOf(webhook), body });
  }

  async remove(webhook: string): Promise<void> {
    await this.#send({ method: 'DELETE', path: pathOf(webhook) });
  }

  test(webhook: string): Promise<WebhookTrial> {
    return this.#send({ method: 'POST', path: `${pathOf(webhook)}/test` });
  }

  #send<T>(request: ServiceRequest): Promise<T> {
    return this.#session.request<T>('container', {
      ...request,
      path: `/webhooks${request.path}`,
      headers: { 'openstack-api-version': 'container 1.41' },
    });
  }
}

function pathOf(webhook: string): string {
  return `/${encodeURIComponent(webhook)}`;
}
