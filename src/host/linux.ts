/**
 * The real kernel: everything runs on one worker thread, because netlink and nftables block (deleting a link waits
 * 17 ms for the kernel) and because entering a namespace moves the whole thread.
 *
 * Calls are answered in the order they were made. The thread starts with `openKernel`; should it end, the calls
 * under way fail with `kernel-error` and the next call starts another. An idle kernel does not keep the process
 * running.
 */
import { Worker } from 'node:worker_threads';
import type { Log } from '../base/log.ts';
import { Failure } from '../model/failure.ts';
import type {
  Kernel,
  KernelAddress,
  KernelLimit,
  KernelLink,
  KernelPeer,
  KernelRoute,
  KernelStep,
} from './kernel.ts';
import type { KernelCall, WorkerReply } from './linux-worker.ts';
import type { SocketRequest } from './sockets.ts';

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Failure) => void;
}

export interface LinuxKernelOptions {
  readonly log: Log;
  /** What the thread runs; another one only in tests. */
  readonly thread?: URL;
}

/** Throws `kernel-error` when the kernel or a library cannot be reached at all. */
export async function openKernel(options: LinuxKernelOptions): Promise<Kernel> {
  const kernel = new LinuxKernel(options);
  await kernel.namespaces();
  return kernel;
}

class LinuxKernel implements Kernel {
  readonly #log: Log;
  readonly #thread: URL;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #lastId = 0;
  #isClosed = false;

  constructor({ log, thread = new URL('./linux-worker.ts', import.meta.url) }: LinuxKernelOptions) {
    this.#log = log;
    this.#thread = thread;
  }

  async apply(steps: readonly KernelStep[]): Promise<void> {
    if (steps.length > 0) await this.#call({ method: 'apply', args: [steps] });
  }

  namespaces(): Promise<string[]> {
    return this.#call({ method: 'namespaces', args: [] }) as Promise<string[]>;
  }

  links(netns?: string): Promise<KernelLink[]> {
    return this.#call({ method: 'links', args: [netns] }) as Promise<KernelLink[]>;
  }

  addresses(netns?: string): Promise<KernelAddress[]> {
    return this.#call({ method: 'addresses', args: [netns] }) as Promise<KernelAddress[]>;
  }

  routes(netns?: string): Promise<KernelRoute[]> {
    return this.#call({ method: 'routes', args: [netns] }) as Promise<KernelRoute[]>;
  }

  limits(netns?: string): Promise<KernelLimit[]> {
    return this.#call({ method: 'limits', args: [netns] }) as Promise<KernelLimit[]>;
  }

  peers(link: string, netns?: string): Promise<KernelPeer[]> {
    return this.#call({ method: 'peers', args: [link, netns] }) as Promise<KernelPeer[]>;
  }

  nftables(what: string, netns?: string): Promise<unknown> {
    return this.#call({ method: 'nftables', args: [what, netns] });
  }

  rules(netns?: string): Promise<string> {
    return this.#call({ method: 'rules', args: [netns] }) as Promise<string>;
  }

  readSysctl(key: string, netns?: string): Promise<string> {
    return this.#call({ method: 'readSysctl', args: [key, netns] }) as Promise<string>;
  }

  openSocket(what: SocketRequest, netns?: string): Promise<number> {
    return this.#call({ method: 'openSocket', args: [what, netns] }) as Promise<number>;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    const worker = this.#worker;
    // The thread closes its sockets itself: one left open would keep its namespace alive.
    if (worker) await this.#call({ method: 'close', args: [] });
    this.#isClosed = true;
    await worker?.terminate();
  }

  #call(call: KernelCall): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new Failure('kernel-error', 'the kernel was closed'));
    this.#worker ??= this.#start();
    const worker = this.#worker;
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      worker.postMessage({ id, ...call });
      this.#pending.set(id, { resolve, reject });
      worker.ref();
    });
  }

  #start(): Worker {
    const worker = new Worker(this.#thread, {
      name: 'kernel',
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    let cause: unknown;
    worker.on('message', (reply: WorkerReply) => this.#settle(worker, reply));
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', (code) => this.#ended(worker, code, cause));
    return worker;
  }

  #settle(worker: Worker, reply: WorkerReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) worker.unref();
    if ('value' in reply) {
      pending?.resolve(reply.value);
      return;
    }
    const { message, detail } = reply.error;
    pending?.reject(new Failure('kernel-error', message, detail === undefined ? {} : { detail }));
  }

  #ended(worker: Worker, code: number, cause: unknown): void {
    if (this.#worker === worker) this.#worker = undefined;
    if (!this.#isClosed) this.#log.error({ code, error: cause }, 'the kernel thread ended');
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of lost) {
      reject(new Failure('kernel-error', `the thread that talks to the kernel ended${why}`, { cause }));
    }
  }
}
