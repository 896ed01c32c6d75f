/**
 * Applies the host's own share in the way out: the external bridge, its rules, and the settings of the root namespace.
 *
 * The root namespace is changed only while some router has a gateway. Settings stay when the bridge goes: others may
 * rely on them by then. Called from within the routers' queue only. What was applied is remembered; the host's own
 * routes and firewalls are looked at anew when asked to, which puts back what a reload of a firewall took out.
 */
import type { Log } from '../base/log.ts';
import { admitScript, expelScript, readHostFirewalls } from '../host/forward-chain.ts';
import type { Kernel, KernelStep } from '../host/kernel.ts';
import { Failure } from '../model/failure.ts';
import { externalBridge } from '../model/host-names.ts';
import type { WantedRouter } from '../wire/host-network.ts';
import type { Part } from './doctor/doctor.ts';
import { printChanges } from './plan/changes.ts';
import { type ExternalPlan, externalTable, type HostView, planExternal, readHost } from './plan/external.ts';
import { hostPortFlows } from './plan/host-ports.ts';
import { stepChanges } from './plan/step-changes.ts';
import { versionOf } from './plan/translations.ts';
import { renewRuleset } from './renewal.ts';

const forwarding = { 4: 'net/ipv4/ip_forward', 6: 'net/ipv6/conf/all/forwarding' } as const;

interface Applied {
  readonly routers: readonly WantedRouter[];
  readonly host: HostView;
  readonly plan: ExternalPlan;
}

export interface ExternalOptions {
  readonly kernel: Kernel;
  readonly instance: string;
  readonly log: Log;
  /** A link that leads to the external network itself; absent or empty = the host is its gateway. */
  readonly externalInterface?: string;
}

export class External {
  readonly #kernel: Kernel;
  readonly #instance: string;
  readonly #log: Log;
  readonly #externalInterface: string | undefined;
  #applied: Applied | undefined;
  /** Also when applying it failed half-way. */
  #mayStand = false;

  constructor({ kernel, instance, log, externalInterface }: ExternalOptions) {
    this.#kernel = kernel;
    this.#instance = instance;
    this.#log = log;
    this.#externalInterface = externalInterface || undefined;
  }

  /** What the routers need, those with a gateway; without any, nothing is left. */
  async ensure(routers: readonly WantedRouter[], look: 'anew' | 'as remembered'): Promise<void> {
    const withGateway = routers.filter(({ gateway }) => gateway);
    if (withGateway.length === 0) {
      if (this.#mayStand) await this.remove();
      return;
    }
    const before = this.#applied;
    this.#applied = undefined;
    this.#mayStand = true;
    const isRenewal = look === 'anew' || !before;
    const host = isRenewal ? await this.#readHost() : before.host;
    const plan = planExternal(this.#instance, withGateway, host);
    if (String(plan.refused) !== String(before?.plan.refused ?? [])) {
      this.#log.warn({ prefixes: plan.refused }, 'the host has its own way there: not routed to a router');
    }
    if (isRenewal) await this.#renew(before, plan, host);
    else await this.#kernel.apply(this.#change(before, plan));
    this.#applied = { routers: withGateway, host, plan };
  }

  /** What should be there now, from the host's routes and firewalls as they are now; nothing while it is not needed. */
  async part(): Promise<Part> {
    if (!this.#applied) return { steps: [] };
    const { routers } = this.#applied;
    const host = await this.#readHost();
    const plan = planExternal(this.#instance, routers, host);
    const admit = await this.#admission();
    const closed = { netns: '', text: 'a firewall of the host drops what routers forward' };
    return {
      steps: [
        { do: 'nft', script: printChanges(undefined, plan.ruleset) },
        ...plan.steps,
        ...versionsOf(plan).map(
          (version): KernelStep => ({ do: 'sysctl', key: forwarding[version], value: '1' }),
        ),
      ],
      also: admit ? [{ ...closed, fix: { do: 'nft', script: admit } }] : [],
    };
  }

  async remove(): Promise<void> {
    this.#applied = undefined;
    const expel = (await readHostFirewalls(this.#kernel))
      .map((one) => expelScript(markOf(this.#instance), one))
      .join('');
    const table = `inet ${externalTable(this.#instance)}`;
    await this.#kernel.apply([
      ...(expel ? [{ do: 'nft', script: expel } as const] : []),
      { do: 'nft', script: `add table ${table}\ndelete table ${table}\n` },
      { do: 'delete-link', name: externalBridge(this.#instance) },
    ]);
    this.#mayStand = false;
  }

  /** Addresses and routes of the bridge that an earlier process left. Only once all routers are known. */
  async sweep(): Promise<void> {
    if (!this.#applied) return;
    const bridge = externalBridge(this.#instance);
    const { steps } = this.#applied.plan;
    const addresses = steps.flatMap((step) => (step.do === 'ensure-address' ? [step.address] : []));
    const destinations = steps.flatMap((step) => (step.do === 'ensure-route' ? [step.to] : []));
    const [present, routes] = await Promise.all([this.#kernel.addresses(), this.#kernel.routes()]);
    await this.#kernel.apply([
      ...routes
        .filter(({ link, via, to }) => link === bridge && via !== undefined && !destinations.includes(to))
        .map(({ to }): KernelStep => ({ do: 'delete-route', to, link: bridge })),
      ...present
        .filter(
          ({ link, address }) => link === bridge && !isAutomatic(address) && !addresses.includes(address),
        )
        .map(({ link, address }): KernelStep => ({ do: 'delete-address', link, address })),
    ]);
  }

  #change({ plan: before }: Applied, after: ExternalPlan): KernelStep[] {
    const script = printChanges(before.ruleset, after.ruleset);
    const { undone, done } = stepChanges(before.steps, after.steps);
    return [
      ...(script ? [{ do: 'nft', script } as const] : []),
      ...undone,
      ...done,
      ...hostPortFlows(before.hostPorts, after.hostPorts),
    ];
  }

  async #renew(before: Applied | undefined, after: ExternalPlan, host: HostView): Promise<void> {
    const released = await this.#interfaceSteps();
    const rules = { before: before?.plan.ruleset, after: after.ruleset };
    await renewRuleset(this.#kernel, this.#log, rules);
    const undone = before ? stepChanges(before.plan.steps, after.steps).undone : [];
    const [admit, settings] = [await this.#admission(), await this.#settings(after, host)];
    await this.#kernel.apply([
      ...undone,
      ...released,
      ...after.steps,
      ...(admit ? [{ do: 'nft', script: admit } as const] : []),
      ...settings,
      ...hostPortFlows(before?.plan.hostPorts ?? [], after.hostPorts),
    ]);
  }

  async #readHost(): Promise<HostView> {
    return readHost(this.#instance, await this.#kernel.routes(), this.#externalInterface);
  }

  /**
   * Gives back links of the host that were on the bridge under another configuration. Throws when the external
   * interface has addresses: on a bridge the host could not be reached by them any more.
   */
  async #interfaceSteps(): Promise<KernelStep[]> {
    const [own, bridge] = [this.#externalInterface, externalBridge(this.#instance)];
    const [links, addresses] = await Promise.all([this.#kernel.links(), this.#kernel.addresses()]);
    const taken = addresses.filter(({ link, address }) => link === own && !isAutomatic(address));
    if (taken.length > 0) {
      const list = taken.map(({ address }) => address).join(', ');
      throw new Failure('kernel-error', `the external interface ${own} has addresses of the host: ${list}`);
    }
    return links
      .filter((link) => link.bridge === bridge && !link.alias.startsWith('berth ') && link.name !== own)
      .map(({ name }) => ({ do: 'set-link', name, bridge: null }));
  }

  async #admission(): Promise<string> {
    const admission = { link: externalBridge(this.#instance), mark: markOf(this.#instance) };
    const firewalls = await readHostFirewalls(this.#kernel);
    const script = firewalls.map((one) => admitScript(admission, one)).join('');
    if (script) this.#log.info({ script }, 'the host’s FORWARD chain drops: admitting our routers');
    return script;
  }

  /** Forwarding, for the families that have a next hop. */
  async #settings(plan: ExternalPlan, { uplinks }: HostView): Promise<KernelStep[]> {
    const changes: KernelStep[] = [];
    for (const version of versionsOf(plan)) {
      const key = forwarding[version];
      if ((await this.#kernel.readSysctl(key)).trim() === '1') continue;
      this.#log.info({ sysctl: key }, 'switching on IP forwarding for routers with a gateway');
      if (version === 6) changes.push(...(await this.#keepAdvertisements(uplinks)));
      changes.push({ do: 'sysctl', key, value: '1' });
    }
    return changes;
  }

  /** A machine that forwards ignores router advertisements, and would lose its own way out, unless told otherwise. */
  async #keepAdvertisements(uplinks: readonly string[]): Promise<KernelStep[]> {
    const changes: KernelStep[] = [];
    for (const link of uplinks) {
      const key = `net/ipv6/conf/${link}/accept_ra`;
      if ((await this.#kernel.readSysctl(key)).trim() !== '1') continue;
      this.#log.info({ sysctl: key }, 'an uplink goes on listening to router advertisements');
      changes.push({ do: 'sysctl', key, value: '2' });
    }
    return changes;
  }
}

/** The families that have a next hop. */
function versionsOf({ steps }: ExternalPlan): (4 | 6)[] {
  return [...new Set(steps.flatMap((step) => (step.do === 'ensure-address' ? versionOf(step.address) : [])))];
}

function isAutomatic(address: string): boolean {
  return address.startsWith('fe80:');
}

function markOf(instance: string): string {
  return `berth ${instance}`;
}
