/**
 * A network and IPAM plugin as another maker would write one: from Docker's protocol alone, with the `ip` tool, in memory.
 * Bridges and veth pairs; nothing of it is Berth's.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

const run = promisify(execFile);

// biome-ignore lint/suspicious/noExplicitAny: whatever comes over the wire
type Body = any;

interface Pool {
  readonly cidr: string;
  readonly used: Set<string>;
}

export class ForeignPlugin {
  readonly #server: Server;
  readonly #pools = new Map<string, Pool>();
  readonly #networks = new Map<string, Body>();
  readonly #endpoints = new Map<string, Body>();
  /** Every call with its body, oldest first. */
  readonly calls: { readonly method: string; readonly body: Body }[] = [];
  /** Instead of what it would answer: by method. */
  readonly answers = new Map<string, { status: number; body: Body }>();

  constructor() {
    this.#server = createServer(async (request, response) => {
      const method = (request.url ?? '').slice(1);
      const content = await text(request);
      const body = content === '' ? {} : JSON.parse(content);
      this.calls.push({ method, body });
      const planned = this.answers.get(method);
      try {
        const answer = planned?.body ?? (await this.#answer(method, body));
        response
          .writeHead(planned?.status ?? 200)
          .end(typeof answer === 'string' ? answer : JSON.stringify(answer));
      } catch (error) {
        response.writeHead(500).end(JSON.stringify({ Err: (error as Error).message }));
      }
    });
  }

  async listen(socketPath: string): Promise<void> {
    mkdirSync(dirname(socketPath), { recursive: true });
    rmSync(socketPath, { force: true });
    await new Promise<void>((resolve) => this.#server.listen(socketPath, resolve));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What it holds. */
  get inventory(): number {
    return this.#pools.size + this.#networks.size + this.#endpoints.size;
  }

  async #answer(method: string, body: Body): Promise<Body> {
    switch (method) {
      case 'Plugin.Activate':
        return { Implements: ['NetworkDriver', 'IpamDriver'] };
      case 'NetworkDriver.GetCapabilities':
        return { Scope: 'local' };
      case 'IpamDriver.GetCapabilities':
        return { RequiresMACAddress: true };
      case 'IpamDriver.GetDefaultAddressSpaces':
        return { LocalDefaultAddressSpace: 'here', GlobalDefaultAddressSpace: 'everywhere' };
      case 'IpamDriver.RequestPool':
        return this.#requestPool(body);
      case 'IpamDriver.ReleasePool':
        this.#pools.delete(body.PoolID);
        return {};
      case 'IpamDriver.RequestAddress':
        return this.#requestAddress(body);
      case 'IpamDriver.ReleaseAddress':
        this.#pools.get(body.PoolID)?.used.delete(body.Address);
        return {};
      case 'NetworkDriver.CreateNetwork':
        this.#networks.set(body.NetworkID, body);
        await this.#ensureBridge(body.NetworkID);
        return {};
      case 'NetworkDriver.DeleteNetwork':
        this.#networks.delete(body.NetworkID);
        await run('ip', ['link', 'del', bridgeOf(body.NetworkID)]).catch(() => undefined);
        return {};
      case 'NetworkDriver.CreateEndpoint':
        this.#endpoints.set(body.EndpointID, body);
        return { Interface: {} };
      case 'NetworkDriver.DeleteEndpoint':
        this.#endpoints.delete(body.EndpointID);
        await run('ip', ['link', 'del', `fo${body.EndpointID.slice(0, 10)}`]).catch(() => undefined);
        return {};
      case 'NetworkDriver.Join':
        return this.#join(body);
      case 'NetworkDriver.Leave':
      case 'NetworkDriver.ProgramExternalConnectivity':
      case 'NetworkDriver.RevokeExternalConnectivity':
        return {};
      default:
        throw new Error(`unknown method ${method}`);
    }
  }

  #requestPool({ AddressSpace, Pool, V6 }: Body): Body {
    const cidr = Pool || (V6 ? 'fd99::/64' : `10.99.${this.#pools.size}.0/24`);
    const id = `${AddressSpace}-${cidr}`;
    if (this.#pools.has(id)) throw new Error(`pool ${cidr} is in use`);
    this.#pools.set(id, { cidr, used: new Set() });
    return { PoolID: id, Pool: cidr, Data: {} };
  }

  #requestAddress({ PoolID, Address }: Body): Body {
    const pool = this.#pools.get(PoolID);
    if (!pool) throw new Error(`no pool ${PoolID}`);
    const [base = '', prefix = ''] = pool.cidr.split('/');
    const at = (host: number) =>
      base.includes(':') ? `${base}${host.toString(16)}` : base.replace(/\d+$/, String(host));
    const wanted =
      Address || Array.from({ length: 250 }, (_, index) => at(index + 1)).find((one) => !pool.used.has(one));
    if (!wanted || pool.used.has(wanted)) throw new Error(`address ${wanted} is in use`);
    pool.used.add(wanted);
    return { Address: `${wanted}/${prefix}`, Data: {} };
  }

  async #ensureBridge(networkId: string): Promise<void> {
    const name = bridgeOf(networkId);
    await run('ip', ['link', 'add', name, 'type', 'bridge']).catch(() => undefined);
    const network = this.#networks.get(networkId);
    for (const { Gateway } of [...(network?.IPv4Data ?? []), ...(network?.IPv6Data ?? [])]) {
      await run('ip', ['addr', 'replace', Gateway, 'dev', name, ...(Gateway.includes(':') ? ['nodad'] : [])]);
    }
    await run('ip', ['link', 'set', name, 'up']);
  }

  async #join({ NetworkID, EndpointID }: Body): Promise<Body> {
    await this.#ensureBridge(NetworkID);
    const [outer, inner] = [`fo${EndpointID.slice(0, 10)}`, `fi${EndpointID.slice(0, 10)}`];
    await run('ip', ['link', 'add', outer, 'type', 'veth', 'peer', 'name', inner]).catch(() => undefined);
    await run('ip', ['link', 'set', outer, 'master', bridgeOf(NetworkID), 'up']);
    const network = this.#networks.get(NetworkID);
    const gateway = (list: Body) => String(list?.[0]?.Gateway ?? '').split('/')[0];
    return {
      InterfaceName: { SrcName: inner, DstPrefix: 'eth' },
      Gateway: gateway(network?.IPv4Data),
      GatewayIPv6: gateway(network?.IPv6Data),
      StaticRoutes: [{ Destination: '198.18.0.0/16', RouteType: 1 }],
    };
  }
}

function bridgeOf(networkId: string): string {
  return `fb${networkId.slice(0, 10)}`;
}
