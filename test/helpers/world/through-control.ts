/**
 * A world through the use cases of the network service: made as a tenant makes it, and read as its host is told of it.
 * Returns the ids of its ports and routers by name.
 */
import type { NetworkControl } from '../../../src/control/network/network-control.ts';
import { testCaller } from '../network-control.ts';
import {
  addressesOf,
  addressOn,
  cidrOf,
  fixedAddress,
  networkOf,
  nexthopOf,
  outside,
  versionOf,
  versions,
  type World,
  type WorldRouter,
} from './world.ts';

type Kind = Parameters<NetworkControl['resources']['create']>[1];
type Body = Parameters<NetworkControl['resources']['create']>[2][number];

export const worldHost = 'here';

/** What Neutron has no way to say is left out: see `asTheServiceHasIt`. */
export async function makeThroughControl(
  control: NetworkControl,
  world: World,
): Promise<Map<string, string>> {
  return new Making(control, world).all();
}

/**
 * A floating IP or a forwarded port leads through the router that is the subnet's gateway, and a port has one or the
 * other; a port without port security has no groups.
 */
export function asTheServiceHasIt(world: World): World {
  const isGatewayOf = (router: WorldRouter, portName: string) => {
    const port = world.ports.find(({ name }) => name === portName);
    return router.legs.some((leg) => leg.network === port?.network && leg.number === 1);
  };
  const routers = world.routers.map((router) => {
    const floating = router.floating.filter(({ port }) => isGatewayOf(router, port));
    const forwarded = router.forwarded.filter(
      (one, index, all) =>
        isGatewayOf(router, one.port) &&
        !floating.some(({ port }) => port === one.port) &&
        !all.slice(0, index).some((other) => isSameTarget(one, other)),
    );
    return { ...router, floating, forwarded };
  });
  const ports = world.ports.map((port) => (port.secured ? port : { ...port, groups: [] }));
  return { ...world, ports, routers };
}

const isSameTarget = (
  one: WorldRouter['forwarded'][number],
  other: WorldRouter['forwarded'][number],
): boolean => one.port === other.port && one.protocol === other.protocol && one.internal === other.internal;

class Making {
  readonly #control: NetworkControl;
  readonly #world: World;
  readonly #ids = new Map<string, string>();

  constructor(control: NetworkControl, world: World) {
    this.#control = control;
    this.#world = world;
  }

  async all(): Promise<Map<string, string>> {
    await this.#external();
    for (const network of this.#world.networks) await this.#network(network);
    for (const { name, tenant, stateful } of this.#world.groups) {
      await this.#make(tenant, 'security-groups', name, { name, stateful });
    }
    await this.#rules();
    for (const port of this.#world.ports) await this.#port(port);
    for (const router of this.#world.routers) await this.#router(router);
    for (const router of this.#world.routers) await this.#routesAndTranslations(router);
    return this.#ids;
  }

  #id(name: string): string {
    const id = this.#ids.get(name);
    if (id === undefined) throw new Error(`nothing was made by the name ${name}`);
    return id;
  }

  #caller(tenant: string) {
    // An administrator may give addresses, hosts and routers without source NAT.
    return testCaller(`tenant-${tenant}`, { isAdmin: true });
  }

  async #make(tenant: string, kind: Kind, name: string, body: Body): Promise<string> {
    const session = { caller: this.#caller(tenant) };
    const [made] = await this.#control.resources.create(session, kind, [body]);
    const id = String(made?.id);
    this.#ids.set(name, id);
    return id;
  }

  async #external(): Promise<void> {
    const id = await this.#make('operator', 'networks', 'external', {
      name: 'external',
      'router:external': true,
    });
    for (const version of versions) {
      await this.#make('operator', 'subnets', `external/${version}`, {
        network_id: id,
        ip_version: version,
        cidr: `${outside.external(0, version)}/${version === 4 ? 24 : 64}`,
        gateway_ip: outside.machine(version),
        enable_dhcp: false,
      });
    }
  }

  async #network(network: World['networks'][number]): Promise<void> {
    const { name, tenant } = network;
    const id = await this.#make(tenant, 'networks', name, { name });
    for (const version of versions) {
      await this.#make(tenant, 'subnets', `${name}/${version}`, {
        network_id: id,
        ip_version: version,
        cidr: cidrOf(network, version),
      });
    }
  }

  /** Groups are made with rules of their own, which these replace. */
  async #rules(): Promise<void> {
    const { resources } = this.#control;
    for (const group of this.#world.groups) {
      const session = { caller: this.#caller(group.tenant) };
      const query = { security_group_id: [this.#id(group.name)] };
      for (const { id } of (await resources.list(session, 'security-group-rules', query)).items) {
        await resources.remove(session, 'security-group-rules', String(id));
      }
      for (const rule of withoutDuplicates(group.rules)) {
        await resources.create(session, 'security-group-rules', [
          {
            security_group_id: this.#id(group.name),
            direction: rule.direction,
            ethertype: `IPv${rule.ipVersion}`,
            protocol: rule.protocol === null ? null : String(rule.protocol),
            port_range_min: rule.portMin,
            port_range_max: rule.portMax,
            remote_group_id: rule.remoteGroupId === null ? null : this.#id(rule.remoteGroupId),
            remote_ip_prefix: rule.remotePrefix,
          },
        ]);
      }
    }
  }

  async #port(port: World['ports'][number]): Promise<void> {
    await this.#make(port.tenant, 'ports', port.name, {
      name: port.name,
      network_id: this.#id(port.network),
      admin_state_up: port.up,
      fixed_ips: addressesOf(this.#world, port).map((address) => ({
        subnet_id: this.#id(`${port.network}/${versionOf(address)}`),
        ip_address: address,
      })),
      port_security_enabled: port.secured,
      security_groups: port.groups.map((name) => this.#id(name)),
      device_owner: 'compute:world',
      'binding:host_id': worldHost,
    });
  }

  async #router({ name, tenant, up, legs, gateway }: WorldRouter): Promise<void> {
    const id = await this.#make(tenant, 'routers', name, {
      name,
      admin_state_up: up,
      ...(gateway && {
        external_gateway_info: {
          network_id: this.#id('external'),
          enable_snat: gateway.snat,
          external_fixed_ips: versions.map((version) => ({
            subnet_id: this.#id(`external/${version}`),
            ip_address: outside.external(gateway.number, version),
          })),
        },
      }),
    });
    for (const leg of legs) {
      for (const version of versions) {
        const subnet_id = this.#id(`${leg.network}/${version}`);
        const ip_address = addressOn(networkOf(this.#world, leg.network), leg.number, version);
        const portName = `${name}/${leg.network}/${version}`;
        const body = { network_id: this.#id(leg.network), fixed_ips: [{ subnet_id, ip_address }] };
        const port = leg.number === 1 ? undefined : await this.#make(tenant, 'ports', portName, body);
        await this.#control.routers.addInterface(
          this.#caller(tenant),
          id,
          port ? { portId: port } : { subnetId: subnet_id },
        );
      }
    }
  }

  async #routesAndTranslations(router: WorldRouter): Promise<void> {
    const { resources } = this.#control;
    const session = { caller: this.#caller(router.tenant) };
    const routes = router.routes.flatMap((route) => {
      const leg = nexthopOf(this.#world, route);
      if (!leg) return [];
      return versions.map((version) => ({
        destination: cidrOf(networkOf(this.#world, route.to), version),
        nexthop: addressOn(networkOf(this.#world, leg.network), leg.number, version),
      }));
    });
    if (routes.length > 0) await resources.update(session, 'routers', this.#id(router.name), { routes });
    const address = (number: number) => ({
      floating_network_id: this.#id('external'),
      floating_ip_address: outside.external(number, 4),
    });
    for (const { number, port } of router.floating) {
      const body = {
        ...address(number),
        port_id: this.#id(port),
        fixed_ip_address: fixedAddress(this.#world, port),
      };
      await this.#make(router.tenant, 'floatingips', `${router.name}/${number}`, body);
    }
    const [first] = router.forwarded;
    if (!first) return;
    const id = await this.#make(
      router.tenant,
      'floatingips',
      `${router.name}/forwarded`,
      address(first.number),
    );
    await this.#control.portForwardings.create(
      session.caller,
      id,
      router.forwarded.map(({ protocol, external, port, internal }) => ({
        protocol,
        externalPort: external,
        internalPort: internal,
        internalIpAddress: fixedAddress(this.#world, port),
        internalPortId: this.#id(port),
      })),
    );
  }
}

function withoutDuplicates<T>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
