/**
 * Which ports are plugged on this host: remembered for those that this process plugged, read from the links' aliases for
 * the rest, so that a restart forgets nothing.
 */
import type { Log } from '../base/log.ts';
import type { Kernel, KernelLink } from '../host/kernel.ts';
import { containerLink, namespacePrefix, networkBridge } from '../model/host-names.ts';
import { parsePortAlias } from './plan/namespace.ts';

export interface Endpoint {
  readonly portId: string;
  /** Whoever uses the port, e.g. dockerd's endpoint id; written into the link's alias. */
  readonly endpointId: string;
}

export interface PluggedPort extends Endpoint {
  /** Namespace of its network. */
  readonly netns: string;
  /** Host end of its veth pair. */
  readonly link: string;
  /** True once the container's end was taken out of the root namespace. */
  readonly isTaken: boolean;
}

interface Place {
  readonly netns: string;
  readonly endpointId: string;
}

export class PluggedPorts {
  readonly #kernel: Kernel;
  readonly #instance: string;
  readonly #log: Log;
  /** Ports plugged by this process: to find them without listing what may be thousands of links. */
  readonly #known = new Map<string, Place>();

  constructor(options: { readonly kernel: Kernel; readonly instance: string; readonly log: Log }) {
    this.#kernel = options.kernel;
    this.#instance = options.instance;
    this.#log = options.log;
  }

  remember({ portId, endpointId }: Endpoint, netns: string): void {
    this.#known.set(portId, { netns, endpointId });
  }

  forget(portId: string): void {
    this.#known.delete(portId);
  }

  /** All, as the kernel has them. */
  async all(): Promise<PluggedPort[]> {
    const [namespaces, links] = await Promise.all([this.networkNamespaces(), this.#kernel.links()]);
    const found = await Promise.all(namespaces.map((netns) => this.#in(netns, links)));
    return found.flat();
  }

  /** Namespaces that the port may be plugged in. */
  async namespacesOf(portId: string): Promise<string[]> {
    const known = this.#known.get(portId);
    if (known) return [known.netns];
    return (await this.all()).filter((port) => port.portId === portId).map(({ netns }) => netns);
  }

  /** For whom the port is plugged there; undefined = it is not. */
  async endpointOf(portId: string, netns: string): Promise<string | undefined> {
    const place =
      this.#known.get(portId) ?? (await this.#in(netns, [])).find((port) => port.portId === portId);
    return place?.endpointId;
  }

  /** Namespaces of networks of this installation. */
  async networkNamespaces(): Promise<string[]> {
    const prefix = `${namespacePrefix(this.#instance)}n`;
    return (await this.#kernel.namespaces()).filter((name) => name.startsWith(prefix));
  }

  async #in(netns: string, rootLinks: readonly KernelLink[]): Promise<PluggedPort[]> {
    const waiting = new Set(rootLinks.map(({ name }) => name));
    const links = await this.#kernel.links(netns).catch((error: unknown) => {
      // Gone between listing the namespaces and this.
      this.#log.debug({ netns, error }, 'cannot read a namespace');
      return [];
    });
    return links.flatMap((link) => {
      const endpoint = parsePortAlias(this.#instance, link.alias);
      if (!endpoint || link.bridge !== networkBridge) return [];
      return { ...endpoint, netns, link: link.name, isTaken: !waiting.has(containerLink(endpoint.portId)) };
    });
  }
}
