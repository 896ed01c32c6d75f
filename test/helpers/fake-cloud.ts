/**
 * A cloud in memory for tests of clients: log-in, containers and network objects over real HTTP.
 *
 * A small working model: it keeps what it is told, checks tokens, pages lists, and answers errors in the shapes of
 * the real services. Containers reach the state that was asked for at once, those of image `fail-start` Error. It
 * checks no fields.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeWebhooks } from './fake-webhooks.ts';

type Fields = Record<string, unknown>;

interface Request {
  readonly method: string;
  readonly url: URL;
  readonly body: Fields;
  readonly headers: IncomingMessage['headers'];
}

interface Answer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Instead of `body`. */
  readonly write?: (response: ServerResponse) => void;
}

const plurals: Readonly<Record<string, string>> = {
  networks: 'network',
  subnets: 'subnet',
  ports: 'port',
  routers: 'router',
  floatingips: 'floatingip',
  'security-groups': 'security_group',
  'security-group-rules': 'security_group_rule',
};

export class FakeCloud implements AsyncDisposable {
  readonly password = 'right';
  readonly project = 'p'.repeat(32);
  /** Every request, oldest first, as `GET /v1/containers`. */
  readonly requests: string[] = [];
  readonly logIns: Fields[] = [];
  readonly containers: Fields[] = [];
  /** Their logs are kept, unless it `isZun`. */
  readonly deleted: Fields[] = [];
  /** Knows no microversion above 1.40. */
  isZun = false;
  readonly objects: Record<string, Fields[]> = {};
  readonly tokens = new Set<string>();
  pageSize = 1000;
  /** Which change of the network service is refused: the n-th from now on (1 = the next). Once only. */
  failChange = 0;
  #lastAddress = 100;
  readonly #server: Server;
  readonly webhooks = new FakeWebhooks();
  /** What those who watch containers are sent, turn by turn. */
  watch: (response: ServerResponse, query: URLSearchParams) => void = (response) => response.end();
  #url = '';

  constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status = 200, body, headers = {}, write }) => {
        if (write) return write(response);
        response.writeHead(status, {
          'content-type': 'application/json',
          'x-openstack-request-id': `req-${this.requests.length}`,
          ...headers,
        });
        response.end(body === undefined ? '' : JSON.stringify(body));
      });
    });
  }

  get url(): string {
    return this.#url;
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What `berth up` would write. */
  cloudsYaml(name = 'berth'): string {
    return JSON.stringify({
      clouds: {
        [name]: {
          auth: {
            auth_url: `${this.url}/identity/v3`,
            username: 'demo',
            password: this.password,
            project_name: 'demo',
            user_domain_name: 'Default',
            project_domain_name: 'Default',
          },
          region_name: 'RegionOne',
        },
      },
    });
  }

  async #answer(incoming: IncomingMessage): Promise<Answer> {
    let text = '';
    for await (const chunk of incoming) text += chunk;
    const { method = 'GET', headers } = incoming;
    const url = new URL(incoming.url ?? '/', this.url);
    this.requests.push(`${method} ${url.pathname}${url.search}`);
    const request = { method, url, body: text ? JSON.parse(text) : {}, headers };
    if (url.pathname === '/identity/v3/auth/tokens') return this.#logIn(request);
    if (!this.tokens.has(String(headers['x-auth-token']))) return unauthorized;
    const webhook = /^\/v1\/webhooks(?:\/([^/]+))?(?:\/(test))?$/.exec(url.pathname);
    if (webhook) return this.webhooks.answer(method, webhook.slice(1), request.body);
    if (url.pathname === '/v1/events') return { write: (response) => this.watch(response, url.searchParams) };
    const diagnosis = /^\/network\/v2\.0\/berth\/(trace|doctor)$/.exec(url.pathname)?.[1];
    if (diagnosis) return this.#diagnose(request, diagnosis);
    if (url.pathname.startsWith('/network/') && method !== 'GET' && this.failChange > 0) {
      this.failChange -= 1;
      if (this.failChange === 0) return refusal;
    }
    const below = /^\/network\/v2\.0\/(routers|floatingips)\/([^/]+)\/(\w+_\w+)(?:\/([^/]+))?$/.exec(
      url.pathname,
    );
    if (below) return this.#below(request, below.slice(1));
    const network = /^\/network\/v2\.0\/([^/]+)(?:\/([^/]+))?(\/tags)?$/.exec(url.pathname);
    if (network) return this.#network(request, network.slice(1));
    if (this.isZun && String(headers['openstack-api-version']).endsWith('1.41')) return tooNew;
    const forgotten = /^\/v1\/deleted_containers\/(.+)$/.exec(url.pathname)?.[1];
    if (forgotten !== undefined) return this.#forget(forgotten);
    if (url.pathname === '/v1/deleted_containers')
      return { body: { deleted_containers: this.deleted.toReversed(), next: null } };
    const container = /^\/v1\/containers(?:\/([^/]+))?(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(url.pathname);
    if (container) return this.#container(request, container.slice(1));
    return { status: 404, body: { errors: [{ code: 'container.', title: 'Not Found' }] } };
  }

  #logIn({ body }: Request): Answer {
    this.logIns.push(body);
    if (!JSON.stringify(body).includes(`:"${this.password}"`)) return unauthorized;
    const token = `token-${this.logIns.length}`;
    this.tokens.add(token);
    const endpoint = (path: string) => [
      { interface: 'public', region: 'RegionOne', region_id: 'RegionOne', url: `${this.url}${path}` },
    ];
    return {
      status: 201,
      headers: { 'x-subject-token': token },
      body: {
        token: {
          expires_at: new Date(Date.now() + 3_600_000).toISOString(),
          user: { id: 'u1', name: 'demo' },
          project: { id: this.project, name: 'demo' },
          roles: [{ name: 'member' }],
          catalog: [
            { type: 'container', name: 'zun', endpoints: endpoint('/v1') },
            { type: 'network', name: 'neutron', endpoints: endpoint('/network') },
          ],
        },
      },
    };
  }

  #container(
    { method, url, body, headers }: Request,
    [name, verb, id]: readonly (string | undefined)[],
  ): Answer {
    if (!name && method === 'GET') return this.#listContainers(url);
    if (!name && method === 'DELETE') return this.#removeContainers(url);
    if (!name) {
      const made = { ...newContainer(this.containers.length), ...body };
      made.status = url.searchParams.get('run') === 'true' ? 'Running' : 'Created';
      if (body.image === 'fail-start') Object.assign(made, { status: 'Error', status_reason: 'it will not' });
      this.containers.push(made);
      return { status: 202, body: { ...made, status: 'Creating' } };
    }
    const at = this.containers.findIndex(({ uuid, name: own }) => [uuid, own].includes(name));
    const found = this.containers[at];
    const isOwn = String(headers['openstack-api-version']).endsWith('1.41');
    if (!found && verb === 'logs' && isOwn && this.deleted.some(({ uuid }) => uuid === name))
      return { body: 'last words\n' };
    if (!found) {
      const title = `Container ${name} could not be found.`;
      return { status: 404, body: { errors: [{ code: 'container.container-not-found', title }] } };
    }
    if (method === 'DELETE') {
      this.containers.splice(at, 1);
      const { uuid, name: own, image } = found;
      this.deleted.push({ uuid, name: own, image, deleted_at: 'then', kept_until: 'later', logs_bytes: 11 });
      this.#releasePorts(found);
      return { status: 204 };
    }
    if (method === 'PATCH') return { body: Object.assign(found, body) };
    if (verb === 'execute') {
      return { body: { output: `ran ${url.searchParams.get('command')}\n`, exit_code: 3 } };
    }
    if (verb === 'logs') return { body: 'line one\n' };
    if (verb === 'container_actions') {
      return { body: { action: 'stop', request_id: id, finish_time: '2026-01-01', message: null } };
    }
    if (verb === 'stop') found.status = 'Stopped';
    if (verb) return { status: 202, body: null };
    return { body: isOwn ? { ...found, exit_code: 137 } : found };
  }

  /** As the network service does when ports go: floating IPs lead nowhere then, forwarded ports go along. */
  #releasePorts({ addresses }: Fields): void {
    const ports = Object.values(addresses as Record<string, { port: string }[]>).flatMap((list) =>
      list.map(({ port }) => port),
    );
    for (const floatingIp of this.objects.floatingips ?? []) {
      if (ports.includes(String(floatingIp.port_id))) floatingIp.port_id = null;
    }
    for (const [key, all] of Object.entries(this.objects)) {
      if (!key.startsWith('port_forwardings/')) continue;
      const kept = all.filter((one) => !ports.includes(String(one.internal_port_id)));
      all.splice(0, all.length, ...kept);
    }
  }

  #listContainers(url: URL): Answer {
    const page = this.#pageOf(url);
    return { body: { containers: page.items, next: page.next } };
  }

  #forget(uuid: string): Answer {
    const at = this.deleted.findIndex((one) => one.uuid === uuid);
    if (at >= 0) {
      this.deleted.splice(at, 1);
      return { status: 204 };
    }
    const title = `Container ${uuid} could not be found.`;
    return { status: 404, body: { errors: [{ code: 'container.container-not-found', title }] } };
  }

  /** Those that run are refused unless they are to be stopped. */
  #removeContainers(url: URL): Answer {
    const { items, next } = this.#pageOf(url);
    const stop = url.searchParams.get('stop') === 'true';
    const refused = items.filter(({ status }) => status === 'Running' && !stop);
    const accepted = items.filter((each) => !refused.includes(each));
    for (const each of accepted) this.containers.splice(this.containers.indexOf(each), 1);
    const title = 'Cannot delete container in Running state';
    const error = { code: 'container.invalid-state-exception', status: 409, title };
    return { status: 202, body: { accepted, refused: refused.map((each) => ({ ...each, error })), next } };
  }

  /** After the marker, whether it is still there or not: made later means a greater uuid. */
  #pageOf({ searchParams }: URL): { items: Fields[]; next: string | null } {
    const marker = searchParams.get('marker') ?? '';
    const size = Math.min(this.pageSize, Number(searchParams.get('limit') ?? this.pageSize));
    const labels = searchParams.getAll('label').map((label) => label.split('='));
    const fits = ({ uuid, name, labels: own }: Fields) =>
      String(uuid) > marker &&
      [name, null].includes(searchParams.get('name')) &&
      labels.every(([key = '', value]) => (own as Record<string, string> | undefined)?.[key] === value);
    const items = this.containers.filter(fits).slice(0, size);
    const next = `http://next/?marker=${items.at(-1)?.uuid}`;
    return { items, next: items.length === size ? next : null };
  }

  /** What the service adds by itself to a new object, as far as clients read it. */
  #newborn(collection: string): Fields {
    if (collection === 'security-groups') return { security_group_rules: [] };
    if (collection !== 'floatingips') return {};
    this.#lastAddress += 1;
    return { floating_ip_address: `172.24.4.${this.#lastAddress}`, port_id: null, tags: [] };
  }

  #groupOf(rule: Fields): Fields[] | undefined {
    const group = this.objects['security-groups']?.find(({ id }) => id === rule.security_group_id);
    return group?.security_group_rules as Fields[] | undefined;
  }

  /** The answer that the test has put under that name; what was asked is kept under `asked`. */
  #diagnose({ body }: Request, what: string): Answer {
    const [answer] = this.objects[what] ?? [];
    this.objects.asked = [body[what] as Fields];
    return { body: { [what]: answer } };
  }

  /** Interfaces of routers, as ports; forwarded ports of floating IPs, as a collection of its own. */
  #below(request: Request, [, owner = '', what = '', id]: readonly (string | undefined)[]): Answer {
    if (what === 'port_forwardings') {
      const answer = this.#network(request, [`${what}/${owner}`, id]);
      const floatingIp = this.objects.floatingips?.find((one) => one.id === owner);
      if (floatingIp) floatingIp.port_forwardings = this.objects[`${what}/${owner}`];
      return answer;
    }
    const { body } = request;
    const isThis = (port: Fields) => port.device_id === owner && port.subnet_id === body.subnet_id;
    this.objects.ports = (this.objects.ports ?? []).filter((port) => !isThis(port));
    if (what === 'add_router_interface') {
      const subnet = this.objects.subnets?.find((one) => one.id === body.subnet_id);
      this.objects.ports.push({
        id: crypto.randomUUID(),
        device_id: owner,
        device_owner: 'network:router_interface',
        network_id: subnet?.network_id,
        fixed_ips: [{ subnet_id: body.subnet_id, ip_address: subnet?.gateway_ip }],
        ...body,
      });
    }
    return { body };
  }

  #network(
    { method, url, body }: Request,
    [collection = '', id, tags]: readonly (string | undefined)[],
  ): Answer {
    const one = collection.startsWith('port_forwardings')
      ? 'port_forwarding'
      : (plurals[collection] ?? collection);
    const many = `${one}s`;
    this.objects[collection] ??= [];
    const all = this.objects[collection];
    if (method === 'POST') {
      const made = { id: crypto.randomUUID(), ...this.#newborn(collection), ...(body[one] as Fields) };
      all.push(made);
      if (collection === 'security-group-rules') this.#groupOf(made)?.push(made);
      return { status: 201, body: { [one]: made } };
    }
    if (!id) {
      const matches = all.filter((item) =>
        [...new Set(url.searchParams.keys())].every(
          (key) => key === 'limit' || url.searchParams.getAll(key).includes(String(item[key])),
        ),
      );
      return { body: { [many]: matches } };
    }
    const at = all.findIndex((item) => item.id === id);
    const found = all[at];
    if (!found) {
      const message = `${one} ${id} could not be found.`;
      return { status: 404, body: { NeutronError: { type: 'NetworkNotFound', message, detail: '' } } };
    }
    if (method === 'DELETE') {
      all.splice(at, 1);
      if (collection === 'security-group-rules') {
        const rules = this.#groupOf(found);
        rules?.splice(rules.indexOf(found), 1);
      }
      return { status: 204 };
    }
    if (method === 'PUT') Object.assign(found, tags ? body : (body[one] as Fields));
    return { body: tags ? body : { [one]: found } };
  }
}

const refusal: Answer = {
  status: 409,
  body: { NeutronError: { type: 'Conflict', message: 'refused by the test', detail: '' } },
};

const tooNew: Answer = { status: 406, body: { errors: [{ code: 'container.', title: 'Not Acceptable' }] } };

const unauthorized: Answer = {
  status: 401,
  body: {
    error: {
      code: 401,
      title: 'Unauthorized',
      message: 'The request you have made requires authentication.',
    },
  },
};

function newContainer(index: number): Fields {
  return {
    uuid: `00000000-0000-4000-8000-${String(index + 1).padStart(12, '0')}`,
    name: `container-${index + 1}`,
    image: 'busybox',
    status: 'Running',
    status_reason: null,
    status_detail: 'Up 1 second',
    task_state: null,
    addresses: {},
    ports: [],
    restart_policy: {},
  };
}
