/**
 * Attachments: a container's interface on one of our networks, as a port that is plugged into the container's namespace.
 *
 * The key of an attachment is made of the configuration's name, the container and the interface, and is the port's device
 * id: nothing else remembers it, so a deletion finds what an addition of an earlier agent made, and garbage is what no
 * valid attachment has the key of.
 */
import { createHash } from 'node:crypto';
import { KeyedQueue } from '../../base/keyed-queue.ts';
import type { Log } from '../../base/log.ts';
import { settleAll, type Undo, undoable } from '../../base/undo.ts';
import { cniPortOwner } from '../../model/network.ts';
import { CniFailure, type CniRequest, type CniResult, cniCode } from '../../wire/cni.ts';
import type { JsonObject, PortView } from '../../wire/network-service.ts';
import type { CniBackend } from './backend.ts';
import { type Asked, askedOf, type Configuration, parseConfiguration } from './configuration.ts';
import { HostBindings, profileAfter, profileFor } from './host-bindings.ts';
import { interfaceOf, resultOf, withoutRoutes } from './interface.ts';
import { type Resolved, resolve } from './resolve.ts';

/** A port that was there before and is only freed. */
const adoptedTag = 'berth.cni.existing';
/** Ports of one configuration, for garbage collection; a tag holds at most 60 characters. */
const configurationTag = (name: string) => `berth.cni.net:${digest(name).slice(0, 32)}`;

interface Addition {
  readonly request: CniRequest;
  readonly config: Configuration;
  readonly asked: Asked;
  readonly key: string;
  readonly resolved: Resolved;
  /** Where the container has routes to by its other interfaces. */
  readonly taken: ReadonlySet<string>;
}

export class Attachments {
  readonly #backend: CniBackend;
  readonly #log: Log;
  readonly #inTurn = new KeyedQueue();
  readonly #bindings: HostBindings;

  constructor(backend: CniBackend, log: Log) {
    this.#backend = backend;
    this.#log = log;
    this.#bindings = new HostBindings(backend);
  }

  /** Throws `exists` when the interface is there already; what an attempt before this one left half-made goes first. */
  add(request: CniRequest): Promise<CniResult> {
    const config = parseConfiguration(request.config);
    const asked = askedOf(request, config);
    const key = keyOf(config.name, request);
    return this.#inTurn.run(key, async () => {
      if (await this.#backend.inspect(request.netns, request.ifname)) {
        throw new CniFailure(
          cniCode.exists,
          `interface ${request.ifname} exists already in ${request.netns}`,
        );
      }
      await this.#removePorts(key);
      const taken = await this.#backend.destinations(request.netns);
      const resolved = await resolve(this.#service, config);
      return undoable(this.#log, (undo) => this.#add({ request, config, asked, key, resolved, taken }, undo));
    });
  }

  /** Nothing there is success. */
  remove(request: CniRequest): Promise<void> {
    const key = keyOf(String(request.config.name), request);
    return this.#inTurn.run(key, () => this.#removePorts(key));
  }

  /** Throws `differs` naming what is not as it was made. */
  async check(request: CniRequest): Promise<void> {
    const config = parseConfiguration(request.config);
    if (config.prevResult === undefined) {
      throw new CniFailure(cniCode.invalidConfig, 'prevResult is missing: CHECK needs the result of ADD');
    }
    const [port] = await this.#portsOf(keyOf(config.name, request));
    if (!port)
      throw new CniFailure(cniCode.differs, `container ${request.containerId} has no port on this network`);
    const resolved = await resolve(this.#service, config);
    const wanted = interfaceOf({ request, config, port, resolved });
    const seen = await this.#backend.inspect(request.netns, request.ifname);
    if (!seen)
      throw new CniFailure(cniCode.differs, `interface ${request.ifname} is missing in ${request.netns}`);
    // A container's first network has the routes that several of them would have.
    const made = (config.prevResult as CniResult).routes ?? [];
    const missing = [
      ...(seen.macAddress === wanted.macAddress ? [] : [`MAC address ${wanted.macAddress}`]),
      ...wanted.addresses.filter((address) => !seen.addresses.includes(address)),
      ...wanted.routes
        .filter(({ to, via }) => made.some(({ dst, gw }) => dst === to && gw === via))
        .filter((route) => !seen.routes.some(({ to, via }) => to === route.to && via === route.via))
        .map(({ to, via }) => `route to ${to}${via === undefined ? '' : ` via ${via}`}`),
    ];
    if (missing.length > 0) {
      throw new CniFailure(cniCode.differs, `interface ${request.ifname} has no ${missing.join(', ')}`);
    }
    const lost = await this.#bindings.missing(port);
    if (lost.length > 0) throw new CniFailure(cniCode.differs, lost.join('; '));
  }

  /** Removes the configuration's attachments that are not among the valid ones; without a list of those, nothing. */
  async collect(request: CniRequest): Promise<void> {
    const config = parseConfiguration(request.config);
    const valid = config['cni.dev/valid-attachments'];
    if (!valid) return;
    const keys = new Set(
      valid.map(({ containerID, ifname }) => keyOf(config.name, { containerId: containerID, ifname })),
    );
    const ports = await this.#service.list('ports', { tags: configurationTag(config.name) });
    const garbage = ports.filter((port) => !keys.has(port.device_id));
    await settleAll('garbage', [
      ...garbage.map(
        ({ device_id: key }) => [key, () => this.#inTurn.run(key, () => this.#removePorts(key))] as const,
      ),
      ...(await this.#bindings.garbage()),
    ]);
  }

  /** Throws when an addition could not work now. */
  async status(): Promise<void> {
    await this.#service.list('networks', { limit: '1' }).catch((error: Error) => {
      throw new CniFailure(cniCode.notAvailable, `the network service does not answer: ${error.message}`);
    });
  }

  get #service() {
    return this.#backend.service;
  }

  async #add({ request, config, asked, key, resolved, taken }: Addition, undo: Undo): Promise<CniResult> {
    undo.add('remove the port', () => this.#removePorts(key));
    const existing = resolved.port;
    const made = await this.#bindings.bind(asked, request, (profile) =>
      existing
        ? this.#adopt(existing, { key, config, profile })
        : this.#service.create('ports', portBody({ request, asked, key, resolved, profile })),
    );
    const port = await this.#bindings.open(made, undo);
    if (!existing) await this.#service.addTag('ports', port.id, configurationTag(config.name));
    const plug = { networkId: port.network_id, portId: port.id, endpointId: key };
    const { linkName } = await this.#backend.plug(plug);
    const wanted = withoutRoutes(interfaceOf({ request, config, port, resolved }), taken);
    await this.#backend.attach(request.netns, linkName, wanted);
    const [unserved] = await this.#bindings.missing(port);
    if (unserved !== undefined) throw new CniFailure(cniCode.refused, unserved);
    return resultOf({ request, config, port, resolved, wanted });
  }

  async #adopt(
    port: PortView,
    { key, config, profile }: { key: string; config: Configuration; profile: JsonObject },
  ): Promise<PortView> {
    if (port.device_id !== '')
      throw new CniFailure(cniCode.refused, `port ${port.id} is in use by ${port.device_id}`);
    for (const tag of [adoptedTag, configurationTag(config.name)])
      await this.#service.addTag('ports', port.id, tag);
    return this.#service.update('ports', port.id, {
      device_id: key,
      device_owner: cniPortOwner,
      'binding:profile': profileFor(port, profile),
    });
  }

  #portsOf(key: string): Promise<PortView[]> {
    return this.#service.list('ports', { device_id: key });
  }

  /** The link first: while it is there the port is what a repeated call finds it by. */
  async #removePorts(key: string): Promise<void> {
    const ports = await this.#portsOf(key);
    const remove = async (port: PortView) => {
      await this.#backend.unplug({ portId: port.id, endpointId: key });
      await this.#letGo(port);
    };
    await settleAll(
      'detach',
      ports.map((port) => [`port ${port.id}`, () => remove(port)] as const),
    );
  }

  async #letGo(port: PortView): Promise<void> {
    await this.#bindings.close(port);
    if (!port.tags.includes(adoptedTag)) return this.#service.remove('ports', port.id);
    await this.#service.update('ports', port.id, {
      device_id: '',
      device_owner: '',
      'binding:profile': profileAfter(port),
    });
    const ours = port.tags.filter((tag) => tag.startsWith('berth.cni.'));
    for (const tag of ours) await this.#service.removeTag('ports', port.id, tag);
  }
}

function portBody({
  request,
  asked,
  key,
  resolved,
  profile,
}: {
  request: CniRequest;
  asked: Asked;
  key: string;
  resolved: Resolved;
  profile: JsonObject;
}): JsonObject {
  const { containerId, ifname } = request;
  const fixedIps =
    asked.addresses.length > 0
      ? asked.addresses.map((address) => ({ ip_address: address }))
      : resolved.from.map((subnetId) => ({ subnet_id: subnetId }));
  return {
    network_id: resolved.network.id,
    name: `cni-${containerId.slice(0, 12)}-${ifname}`,
    description: `Interface ${ifname} of container ${containerId}`.slice(0, 255),
    device_id: key,
    device_owner: cniPortOwner,
    admin_state_up: true,
    ...(fixedIps.length === 0 ? {} : { fixed_ips: fixedIps }),
    ...(asked.macAddress === undefined ? {} : { mac_address: asked.macAddress }),
    ...(resolved.groupIds === undefined ? {} : { security_groups: resolved.groupIds }),
    ...(asked.dnsName === undefined ? {} : { dns_name: asked.dnsName }),
    ...(isEmpty(profile) ? {} : { 'binding:profile': profile }),
  };
}

function isEmpty(profile: JsonObject): boolean {
  return Object.keys(profile).length === 0;
}

function keyOf(name: string, { containerId, ifname }: Pick<CniRequest, 'containerId' | 'ifname'>): string {
  return digest(`${name}\0${containerId}\0${ifname}`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
