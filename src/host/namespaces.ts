/**
 * Named network namespaces, as `ip netns` keeps them: bind mounts below /run/netns.
 *
 * `within` moves the calling thread into a namespace for one synchronous piece of work and back. Should the way
 * back fail, the thread must not run on in the wrong place: it ends. So all of this runs on a thread of its own,
 * and nothing in a `work` may await or start a thread.
 * A netlink socket per namespace, and a packet socket where one was asked for, are kept open while the name stands
 * for the same namespace. An open socket keeps a namespace alive, so deleting closes them first. Namespaces that are
 * not ours go by their path; those are let go after each call, so that they end with their containers.
 */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { errno, libc, SystemCallError } from './libc.ts';
import { NetlinkSocket } from './netlink/socket.ts';

const folder = '/run/netns';
/** The calling thread's own namespace; `/proc/self` would be the main thread's. */
const ownNamespace = '/proc/thread-self/ns/net';
const newNetwork = 0x40000000;
const mountFlag = { bind: 0x1000, recursive: 0x4000, shared: 1 << 20 } as const;
const detach = 2;
const exclusiveLock = 2;
/** AF_PACKET. */
export const packetFamily = 17;
const rawSocket = 3;
const closeOnExec = 0x80000;
/** Beyond this many, the namespace whose turn was longest ago is closed. */
const maximumOpen = 256;

interface OpenNamespace {
  readonly fd: number;
  readonly identity: string;
  socket?: NetlinkSocket;
  /** Descriptor of a packet socket. */
  packets?: number;
}

export class Namespaces {
  readonly #home: OpenNamespace;
  readonly #open = new Map<string, OpenNamespace>();

  constructor() {
    this.#home = { fd: openSync(ownNamespace, 'r'), identity: '' };
  }

  list(): string[] {
    const names = namesBelow(folder);
    for (const name of this.#open.keys()) if (!names.includes(name)) this.#close(name);
    return names;
  }

  /** Closes what is open of namespaces that are not ours. */
  letGo(): void {
    for (const name of this.#open.keys()) if (isPath(name)) this.#close(name);
  }

  has(name: string | undefined): boolean {
    return name === undefined || identify(name) !== undefined;
  }

  ensure(name: string): void {
    refusePath(name);
    if (this.has(name)) return;
    shareFolder();
    const path = pathOf(name);
    // A file without a namespace on it is what a crash between the two steps below leaves.
    rmSync(path, { force: true });
    closeSync(openSync(path, 'wx', 0o444));
    try {
      libc.unshare(newNetwork);
      try {
        libc.mount(ownNamespace, path, 'none', mountFlag.bind, null);
      } finally {
        this.#goHome();
      }
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
  }

  delete(name: string): void {
    refusePath(name);
    const path = pathOf(name);
    this.#close(name);
    try {
      libc.umount(path, detach);
    } catch (error) {
      if (!isOneOf(error, errno.EINVAL, errno.ENOENT)) throw error;
    }
    rmSync(path, { force: true });
  }

  /** Runs `work` with this thread in the namespace; undefined = the one the process runs in. */
  within<T>(name: string | undefined, work: () => T): T {
    if (name === undefined) return work();
    libc.setns(this.#get(name).fd, newNetwork);
    try {
      return work();
    } finally {
      this.#goHome();
    }
  }

  socket(name?: string): NetlinkSocket {
    const namespace = name === undefined ? this.#home : this.#get(name);
    if (namespace.socket?.isBroken) {
      namespace.socket.close();
      delete namespace.socket;
    }
    namespace.socket ??= this.within(name, () => new NetlinkSocket());
    return namespace.socket;
  }

  /**
   * Descriptor of a packet socket that sends and never receives (protocol 0). Kept, because closing one waits 10 ms for
   * the kernel's readers.
   */
  packetSocket(name?: string): number {
    const namespace = name === undefined ? this.#home : this.#get(name);
    namespace.packets ??= this.within(name, () => libc.socket(packetFamily, rawSocket | closeOnExec, 0));
    return namespace.packets;
  }

  /** A descriptor of the namespace for a netlink message; valid until the next call of this class. */
  descriptor(name?: string): number {
    return name === undefined ? this.#home.fd : this.#get(name).fd;
  }

  close(): void {
    for (const name of [...this.#open.keys()]) this.#close(name);
    this.#closeAll(this.#home);
  }

  #get(name: string): OpenNamespace {
    const identity = identify(name);
    if (identity === undefined) throw new Error(`there is no network namespace "${name}"`);
    const known = this.#open.get(name);
    if (known?.identity === identity) {
      this.#open.delete(name);
      this.#open.set(name, known);
      return known;
    }
    this.#close(name);
    const fd = openSync(pathOf(name), 'r');
    const opened: OpenNamespace = { fd, identity: identityOf(fstatSync(fd)) };
    this.#open.set(name, opened);
    const [oldest] = this.#open.keys();
    if (this.#open.size > maximumOpen && oldest !== undefined) this.#close(oldest);
    return opened;
  }

  #close(name: string): void {
    const namespace = this.#open.get(name);
    if (namespace === undefined) return;
    this.#open.delete(name);
    this.#closeAll(namespace);
  }

  #closeAll({ fd, socket, packets }: OpenNamespace): void {
    socket?.close();
    if (packets !== undefined) libc.close(packets);
    closeSync(fd);
  }

  #goHome(): void {
    try {
      libc.setns(this.#home.fd, newNetwork);
    } catch {
      // On a worker thread this ends the thread only; its owner starts another.
      process.exit(1);
    }
  }
}

/** `/proc/123/ns/net`, as opposed to a name below /run/netns. */
function isPath(name: string): boolean {
  return name.startsWith('/');
}

function refusePath(name: string): void {
  if (isPath(name)) throw new Error(`"${name}" is not ours to make or to delete`);
}

function pathOf(name: string): string {
  if (isPath(name)) return name;
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/.test(name)) {
    throw new Error(`"${name}" cannot be the name of a network namespace`);
  }
  return join(folder, name);
}

function namesBelow(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Undefined when the name is free, or is a plain file with no namespace mounted on it. */
function identify(name: string): string | undefined {
  const found = statSync(pathOf(name), { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return found.dev === statSync(ownNamespace).dev ? identityOf(found) : undefined;
}

function identityOf(found: Stats): string {
  return `${found.dev}:${found.ino}`;
}

function isOneOf(error: unknown, ...numbers: readonly (number | undefined)[]): boolean {
  return error instanceof SystemCallError && numbers.includes(error.errno);
}

/**
 * Makes the folder a shared mount, so that a deleted name disappears from every mount namespace; otherwise a
 * container engine's copy would keep the namespace alive. Locked, because two processes would mount it twice.
 */
function shareFolder(): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const fd = openSync(folder, 'r');
  try {
    libc.flock(fd, exclusiveLock);
    try {
      libc.mount('', folder, 'none', mountFlag.shared | mountFlag.recursive, null);
    } catch (error) {
      if (!isOneOf(error, errno.EINVAL)) throw error;
      libc.mount(folder, folder, 'none', mountFlag.bind | mountFlag.recursive, null);
      libc.mount('', folder, 'none', mountFlag.shared | mountFlag.recursive, null);
    }
  } finally {
    closeSync(fd);
  }
}
