/** One network namespace of the kernel in ./fake. */
import type {
  Bucket,
  KernelAddress,
  KernelLimit,
  KernelLink,
  KernelPeer,
  KernelRoute,
  KernelStepOf,
} from './kernel.ts';

interface FakeLink {
  index: number;
  name: string;
  kind: string;
  mac: string;
  mtu: number;
  up: boolean;
  alias: string;
  bridge: FakeLink | null;
  peer: { readonly link: FakeLink; readonly space: FakeNamespace } | null;
  flags: Record<string, boolean>;
  /** The limit of what leaves by it. */
  leaving: Bucket | null;
  /** Whether what arrives by it takes a detour. */
  isDetoured: boolean;
  /** What it stands on. */
  parent: FakeLink | null;
  peers: KernelPeer[];
}

interface Settings {
  readonly mtu?: number | undefined;
  readonly mac?: string | undefined;
  readonly alias?: string | undefined;
}

let lastIndex = 1;

export class FakeNamespace {
  readonly #links = new Map<string, FakeLink>();
  readonly #tables = new Set<string>();
  readonly sysctls = new Map<string, string>();
  readonly scripts: string[] = [];
  addresses: KernelAddress[] = [];
  routes: KernelRoute[] = [];

  constructor() {
    this.#add('lo', '').index = 1;
  }

  listLinks(): KernelLink[] {
    return [...this.#links.values()].map(
      ({
        bridge,
        peer: _,
        flags: __,
        leaving: ___,
        isDetoured: ____,
        parent: _____,
        peers: ______,
        ...link
      }) => ({
        ...link,
        ...(bridge ? { bridge: bridge.name } : {}),
      }),
    );
  }

  link(name: string): FakeLink {
    const found = this.#links.get(name);
    if (found === undefined) throw new Error(`there is no link "${name}"`);
    return found;
  }

  ensureBridge(step: KernelStepOf<'ensure-bridge'>): void {
    adjust(this.#ofKind(step.name, 'bridge') ?? this.#add(step.name, 'bridge'), step);
  }

  ensureVeth(step: KernelStepOf<'ensure-veth'>, farSpace: FakeNamespace): void {
    let near = this.#ofKind(step.name, 'veth');
    let far = farSpace.#ofKind(step.peer.name, 'veth');
    if (!near || !far || near.peer?.link !== far) {
      this.deleteLink(step.name);
      farSpace.deleteLink(step.peer.name);
      near = this.#add(step.name, 'veth');
      far = farSpace.#add(step.peer.name, 'veth');
      near.peer = { link: far, space: farSpace };
      far.peer = { link: near, space: this };
    }
    adjust(near, step);
    adjust(far, { ...step.peer, mtu: step.mtu });
  }

  ensureDummy(step: KernelStepOf<'ensure-dummy'>): void {
    const link = this.#ofKind(step.name, 'ifb') ?? this.#add(step.name, 'ifb');
    link.up = true;
    adjust(link, step);
  }

  ensureStacked(step: KernelStepOf<'ensure-vlan' | 'ensure-macvlan'>, kind: string): void {
    const parent = this.link(step.parent);
    const present = this.#ofKind(step.name, kind);
    if (present && present.parent !== parent) this.deleteLink(step.name);
    const link = this.#ofKind(step.name, kind) ?? this.#add(step.name, kind);
    link.parent = parent;
    adjust(link, step);
  }

  ensureVxlan(step: KernelStepOf<'ensure-vxlan'>): void {
    adjust(this.#ofKind(step.name, 'vxlan') ?? this.#add(step.name, 'vxlan'), step);
  }

  ensurePeer({ link, mac, via, addresses }: KernelStepOf<'ensure-peer'>): void {
    const found = this.link(link);
    found.peers = [...found.peers.filter((peer) => peer.mac !== mac), { mac, via, addresses }];
  }

  deletePeer({ link, mac }: KernelStepOf<'delete-peer'>): void {
    const found = this.#links.get(link);
    if (found) found.peers = found.peers.filter((peer) => peer.mac !== mac);
  }

  listPeers(link: string): KernelPeer[] {
    return this.link(link).peers.toSorted((a, b) => (a.mac < b.mac ? -1 : 1));
  }

  setLink(step: KernelStepOf<'set-link'>): void {
    const link = this.link(step.name);
    const bridge = step.bridge === undefined ? link.bridge : step.bridge && this.link(step.bridge);
    const { hairpin, learning, flood, neighSuppress, isolated } = step;
    const flags = Object.entries({ hairpin, learning, flood, neighSuppress, isolated }).filter(
      (entry): entry is [string, boolean] => entry[1] !== undefined,
    );
    if (flags.length > 0 && !bridge) throw new Error(`"${step.name}" is not a port of a bridge`);
    link.bridge = bridge || null;
    Object.assign(link.flags, Object.fromEntries(flags));
    if (step.up !== undefined) link.up = step.up;
    adjust(link, step);
  }

  moveLink({ name, to }: KernelStepOf<'move-link'>, target: FakeNamespace): void {
    const link = this.#links.get(name);
    const there = target.#links.has(to.name);
    if (!link && there) return;
    if (there) throw new Error(`there is a link "${to.name}" already in ${to.netns ?? 'the own namespace'}`);
    const moved = this.link(name);
    this.forget(moved);
    Object.assign(moved, { name: to.name, up: false, bridge: null });
    target.#links.set(to.name, moved);
    if (moved.peer?.link.peer) moved.peer.link.peer = { link: moved, space: target };
  }

  limitLink({ name, leaving, arriving, detour }: KernelStepOf<'limit-link'>): void {
    const link = this.#links.get(name);
    if (link) Object.assign(link, { leaving, isDetoured: arriving !== null });
    if (!link || !arriving) {
      this.deleteLink(detour.name);
      return;
    }
    const ifb = this.#ofKind(detour.name, 'ifb') ?? this.#add(detour.name, 'ifb');
    Object.assign(ifb, { leaving: arriving, up: true });
    adjust(ifb, detour);
  }

  deleteLink(name: string): void {
    const link = this.#links.get(name);
    if (link === undefined) return;
    this.forget(link);
    link.peer?.space.forget(link.peer.link);
  }

  /** This end only. */
  forget(link: FakeLink): void {
    if (this.#links.get(link.name) !== link) return;
    this.#links.delete(link.name);
    this.addresses = this.addresses.filter((address) => address.link !== link.name);
    this.routes = this.routes.filter((route) => route.link !== link.name);
    for (const other of this.#links.values()) {
      if (other.bridge === link) other.bridge = null;
      if (other.parent === link && other.kind === 'vlan') this.forget(other);
    }
  }

  clear(): void {
    for (const name of [...this.#links.keys()]) this.deleteLink(name);
  }

  ensureAddress({ link, address }: KernelStepOf<'ensure-address'>): void {
    this.link(link);
    this.deleteAddress({ link, address });
    this.addresses.push({ link, address });
  }

  deleteAddress({ link, address }: KernelAddress): void {
    this.addresses = this.addresses.filter((each) => each.link !== link || each.address !== address);
  }

  ensureRoute({ to, via, link }: KernelStepOf<'ensure-route'>): void {
    if (link !== undefined) this.link(link);
    this.routes = this.routes.filter((route) => route.to !== to);
    this.routes.push({ to, ...(via === undefined ? {} : { via }), ...(link === undefined ? {} : { link }) });
  }

  deleteRoute({ to, via, link }: KernelStepOf<'delete-route'>): void {
    this.routes = this.routes.filter(
      (route) =>
        route.to !== to ||
        (via !== undefined && route.via !== via) ||
        (link !== undefined && route.link !== undefined && route.link !== link),
    );
  }

  runScript(script: string): void {
    this.scripts.push(script);
    const statements = script.matchAll(
      /(?:^|\n|;)\s*(add|create|delete|destroy|flush)?\s*(table\s+\w+\s+[\w-]+|ruleset)(?!\s*[\w-])/g,
    );
    for (const [, verb, what = ''] of statements) {
      const table = what.replace(/\s+/g, ' ');
      if (verb === 'flush' && table === 'ruleset') this.#tables.clear();
      else if (verb === 'delete' || verb === 'destroy') this.#tables.delete(table);
      else if (verb !== 'flush') this.#tables.add(table);
    }
  }

  listLimits(): KernelLimit[] {
    return [...this.#links.values()]
      .filter(({ leaving, isDetoured }) => leaving !== null || isDetoured)
      .map(({ name, leaving, isDetoured }) => ({
        link: name,
        bytesPerSecond: leaving?.bytesPerSecond ?? null,
        isDetoured,
      }));
  }

  /** Tables only, in the form of `nft -j`. */
  listTables(what: string): unknown {
    const found = [...this.#tables].filter((table) => what === 'ruleset' || table === what);
    if (what.startsWith('table ') && found.length === 0) return undefined;
    const tables = found.map((table) => {
      const [, family, name] = table.split(' ');
      return { table: { family, name } };
    });
    return { nftables: tables };
  }

  /** Likewise as text. */
  listText(): string {
    return [...this.#tables].map((table) => `${table} {\n}\n`).join('');
  }

  describe(): string[] {
    return [
      ...[...this.#links.keys()].filter((name) => name !== 'lo').map((name) => `link ${name}`),
      ...[...this.#links.values()].flatMap(({ name, leaving }) => (leaving ? [`limit of ${name}`] : [])),
      ...this.addresses.map(({ link, address }) => `address ${address} on ${link}`),
      ...this.routes.map(({ to }) => `route ${to}`),
      ...this.#tables,
    ];
  }

  #ofKind(name: string, kind: string): FakeLink | undefined {
    const found = this.#links.get(name);
    if (found && found.kind !== kind) {
      throw new Error(`"${name}" is there already and is a ${found.kind || 'device'}, not a ${kind}`);
    }
    return found;
  }

  #add(name: string, kind: string): FakeLink {
    if (name.length === 0 || Buffer.byteLength(name) > 15 || /[/\s]/.test(name)) {
      throw new Error(`"${name}" cannot be the name of a link`);
    }
    lastIndex += 1;
    const tail = lastIndex.toString(16).padStart(8, '0').match(/../g)?.join(':') ?? '';
    const link: FakeLink = {
      index: lastIndex,
      name,
      kind,
      mac: `02:00:${tail}`,
      mtu: 1500,
      up: false,
      alias: '',
      bridge: null,
      peer: null,
      flags: {},
      leaving: null,
      isDetoured: false,
      parent: null,
      peers: [],
    };
    this.#links.set(name, link);
    return link;
  }
}

function adjust(link: FakeLink, { mtu, mac, alias }: Settings): void {
  if (mtu !== undefined) link.mtu = mtu;
  if (mac !== undefined) link.mac = mac.toLowerCase();
  if (alias !== undefined) link.alias = alias;
}
