/**
 * Runs steps and reads tables, synchronously, on whatever thread calls: what the worker of ./linux does all day.
 */
import { Failure } from '../model/failure.ts';
import { describeStep } from './describe-step.ts';
import {
  type KernelAddress,
  type KernelLimit,
  type KernelLink,
  type KernelPeer,
  type KernelRoute,
  type KernelStep,
  runStep,
  type StepTable,
} from './kernel.ts';
import {
  deleteAddress,
  deleteRoute,
  ensureAddress,
  ensureRoute,
  listAddresses,
  listRoutes,
} from './linux-addresses.ts';
import { endConnections, endFlows } from './linux-connections.ts';
import { sendFrame } from './linux-frames.ts';
import { limitLink, listLimits } from './linux-limits.ts';
import { deleteLinks, ensureBridge, ensureVeth, listLinks, moveLink, setLink } from './linux-links.ts';
import { deletePeer, ensurePeer, listPeers } from './linux-peers.ts';
import { ensureDummy, ensureMacvlan, ensureVlan, ensureVxlan } from './linux-stacked.ts';
import { Namespaces } from './namespaces.ts';
import { list, listText, NftError, runScript } from './nftables.ts';
import { openSocket, type SocketRequest } from './sockets.ts';
import { readSysctl, writeSysctl } from './sysctl.ts';

export class LinuxSteps {
  readonly #namespaces = new Namespaces();
  readonly #table = tableOf(this.#namespaces);

  apply(steps: readonly KernelStep[]): void {
    try {
      this.#applyAll(steps);
    } finally {
      this.#namespaces.letGo();
    }
  }

  #applyAll(steps: readonly KernelStep[]): void {
    let at = 0;
    while (at < steps.length) {
      const count = countAlike(steps, at);
      try {
        this.#run(steps.slice(at, at + count));
      } catch (error) {
        throw failureOf(
          error,
          `step ${at + 1} ${steps
            .slice(at, at + count)
            .map(describeStep)
            .join(', ')}`,
        );
      }
      at += count;
    }
  }

  namespaces(): string[] {
    return this.#reading('namespaces', undefined, () => this.#namespaces.list());
  }

  links(netns?: string): KernelLink[] {
    return this.#reading('links', netns, () => listLinks(this.#namespaces, netns));
  }

  addresses(netns?: string): KernelAddress[] {
    return this.#reading('addresses', netns, () => listAddresses(this.#namespaces, netns));
  }

  routes(netns?: string): KernelRoute[] {
    return this.#reading('routes', netns, () => listRoutes(this.#namespaces, netns));
  }

  limits(netns?: string): KernelLimit[] {
    return this.#reading('limits', netns, () => listLimits(this.#namespaces, netns));
  }

  peers(link: string, netns?: string): KernelPeer[] {
    return this.#reading(`peers of ${link}`, netns, () => listPeers(this.#namespaces, link, netns));
  }

  nftables(what: string, netns?: string): unknown {
    return this.#reading(`nftables ${what}`, netns, () => this.#namespaces.within(netns, () => list(what)));
  }

  rules(netns?: string): string {
    return this.#reading('rules', netns, () => this.#namespaces.within(netns, listText));
  }

  readSysctl(key: string, netns?: string): string {
    return this.#reading(key, netns, () => this.#namespaces.within(netns, () => readSysctl(key)));
  }

  openSocket(what: SocketRequest, netns?: string): number {
    try {
      return this.#namespaces.within(netns, () => openSocket(what));
    } catch (error) {
      throw failureOf(error, `open a socket ${what.protocol} ${what.address} ${what.port}`);
    }
  }

  close(): void {
    this.#namespaces.close();
  }

  #reading<T>(what: string, netns: string | undefined, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw failureOf(error, `read ${what}${netns === undefined ? '' : ` in ${netns}`}`);
    } finally {
      this.#namespaces.letGo();
    }
  }

  /** One step, or several `delete-link` of one namespace. */
  #run(steps: readonly KernelStep[]): void {
    const [step, ...more] = steps;
    if (step === undefined) return;
    if (more.length === 0) {
      runStep(this.#table, step);
      return;
    }
    const names = steps.flatMap((each) => (each.do === 'delete-link' ? [each.name] : []));
    deleteLinks(this.#namespaces, names, 'netns' in step ? step.netns : undefined);
  }
}

function tableOf(namespaces: Namespaces): StepTable {
  return {
    'ensure-netns': (step) => namespaces.ensure(step.name),
    'delete-netns': (step) => namespaces.delete(step.name),
    'ensure-bridge': (step) => ensureBridge(namespaces, step),
    'ensure-veth': (step) => ensureVeth(namespaces, step),
    'ensure-dummy': (step) => ensureDummy(namespaces, step),
    'ensure-vlan': (step) => ensureVlan(namespaces, step),
    'ensure-macvlan': (step) => ensureMacvlan(namespaces, step),
    'ensure-vxlan': (step) => ensureVxlan(namespaces, step),
    'ensure-peer': (step) => ensurePeer(namespaces, step),
    'delete-peer': (step) => deletePeer(namespaces, step),
    'delete-link': (step) => deleteLinks(namespaces, [step.name], step.netns),
    'move-link': (step) => moveLink(namespaces, step),
    'set-link': (step) => setLink(namespaces, step),
    'ensure-address': (step) => ensureAddress(namespaces, step),
    'delete-address': (step) => deleteAddress(namespaces, step),
    'ensure-route': (step) => ensureRoute(namespaces, step),
    'delete-route': (step) => deleteRoute(namespaces, step),
    'limit-link': (step) => limitLink(namespaces, step),
    sysctl: (step) => namespaces.within(step.netns, () => writeSysctl(step.key, step.value)),
    'send-frame': (step) => sendFrame(namespaces, step),
    'end-connections': (step) => endConnections(namespaces, step),
    'end-flows': (step) => endFlows(namespaces, step),
    nft: (step) => namespaces.within(step.netns, () => runScript(step.script)),
  };
}

/** How many steps from here can be done as one: neighbouring deletions of links in one namespace. */
function countAlike(steps: readonly KernelStep[], at: number): number {
  const first = steps[at];
  if (first?.do !== 'delete-link') return 1;
  const rest = steps.slice(at);
  const other = rest.findIndex((step) => step.do !== 'delete-link' || step.netns !== first.netns);
  return other < 0 ? rest.length : other;
}

function failureOf(error: unknown, doing: string): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  const detail = error instanceof NftError ? { detail: error.output } : {};
  return new Failure('kernel-error', `${doing}: ${reason}`, { ...detail, cause: error });
}
