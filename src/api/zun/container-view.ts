/**
 * The container on the wire: the only place that knows its 37 fields, and which of them the caller may see.
 *
 * Fields do not depend on the microversion up to 1.40; from 1.41 there are more (./container-options.ts among them), and `addresses` has the floating ones, too, and
 * says of each which it is, as Nova does. A field is hidden when the rule `container:get_one:<field>` denies it.
 */
import type { OutsideAddress } from '../../control/networking.ts';
import type { Policy } from '../../control/policy.ts';
import type { Caller } from '../../model/caller.ts';
import type { Nic } from '../../model/container.ts';
import type { Container } from '../../model/container-record.ts';
import { optionsView } from './container-options.ts';
import { statusDetail } from './status-detail.ts';

/** Floating IPs by port. */
export type Outside = ReadonlyMap<string, readonly OutsideAddress[]>;

export interface Viewer {
  readonly caller: Caller;
  readonly policy: Policy;
  /** Absent = as Zun shows addresses, without floating ones. */
  readonly outside?: Outside;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Minor microversion: from 1.41 on there is more to see. */
  readonly version: number;
}

export function toWire(container: Container, viewer: Viewer): Record<string, unknown> {
  const { spec, resolved } = container;
  return {
    uuid: container.uuid,
    name: container.name,
    project_id: container.projectId,
    user_id: container.userId,
    image: spec.image,
    image_driver: spec.imageDriver,
    command: spec.command.length > 0 ? spec.command : (resolved?.command ?? []),
    entrypoint: spec.entrypoint.length > 0 ? spec.entrypoint : (resolved?.entrypoint ?? []),
    status: container.status,
    status_reason: container.statusReason,
    status_detail: statusDetail(container, viewer.now),
    task_state: container.taskState,
    cpu: spec.cpu,
    cpu_policy: spec.cpuPolicy,
    memory: String(spec.memoryMiB),
    disk: spec.diskGiB,
    environment: spec.environment,
    workdir: spec.workdir ?? resolved?.workdir ?? null,
    ports: resolved?.ports ?? spec.exposedPorts.map(({ port }) => port),
    hostname: spec.hostname ?? resolved?.hostname ?? null,
    labels: spec.labels,
    addresses: addressesOf(container.nics, viewer.outside),
    restart_policy: restartPolicyOf(container),
    interactive: spec.interactive,
    tty: spec.tty,
    security_groups: securityGroupsOf(container),
    auto_remove: spec.autoRemove,
    auto_heal: spec.autoHeal,
    healthcheck: healthcheckOf(container),
    registry_id: spec.registryId,
    created_at: toTime(container.createdAt),
    updated_at: toTime(container.updatedAt),
    ...guardedFields(container, viewer),
    ...(viewer.version >= tellsLifeSince ? { ...lifeOf(container), ...optionsView(container) } : {}),
  };
}

const tellsLifeSince = 41;

/** Not in Zun. */
function lifeOf({ startedAt, finishedAt, exitCode, vitals, heals }: Container) {
  const health = vitals?.health ?? null;
  return {
    started_at: toTime(startedAt),
    finished_at: toTime(finishedAt),
    exit_code: exitCode,
    restart_count: vitals?.restartCount ?? 0,
    health: health && {
      status: health.status,
      failing_streak: health.failingStreak,
      output: health.output,
    },
    heals: {
      restarts: heals?.restarts ?? 0,
      rebuilds: heals?.rebuilds ?? 0,
      last_at: toTime(heals?.lastAt ?? null),
    },
  };
}

/** Stands where the one field goes that changes with time; nobody can guess it into a label. */
const detailMark = crypto.randomUUID();
const detailMarkJson = JSON.stringify(detailMark);

/** Rendered containers by what their viewers may see, around `status_detail`. Records are immutable (store). */
const rendered = new WeakMap<Container, Map<string, readonly [before: string, after: string]>>();

/** What floating IPs make of the view; they change without the record. */
function outsideKey({ nics }: Container, { outside }: Viewer): string {
  if (!outside) return '';
  const floating = nics.flatMap(({ portId }) => outside.get(portId) ?? []);
  return floating.length === 0 ? 'all' : JSON.stringify(floating);
}

/** JSON of `toWire`, kept as long as the record does not change: for long lists. */
export function toWireJson(container: Container, viewer: Viewer): string {
  const names = guardedNames.filter((name) => mayShow(name, container, viewer));
  const isNew = viewer.version >= tellsLifeSince;
  const shown = `${names.join()} ${isNew} ${outsideKey(container, viewer)}`;
  const byView = rendered.get(container) ?? new Map();
  rendered.set(container, byView);
  let parts = byView.get(shown);
  if (!parts) {
    const json = JSON.stringify({ ...toWire(container, viewer), status_detail: detailMark });
    const at = json.indexOf(detailMarkJson);
    parts = [json.slice(0, at), json.slice(at + detailMarkJson.length)];
    byView.set(shown, parts);
  }
  return parts[0] + JSON.stringify(statusDetail(container, viewer.now)) + parts[1];
}

/** `self` and `bookmark`; list items of containers have none. */
export function linksOf(baseUrl: string, collection: string, id: string) {
  return [
    { href: `${baseUrl}/v1/${collection}/${id}`, rel: 'self' },
    { href: `${baseUrl}/${collection}/${id}`, rel: 'bookmark' },
  ];
}

export function withLinks(baseUrl: string, container: Container, viewer: Viewer): Record<string, unknown> {
  const { uuid, ...rest } = toWire(container, viewer);
  return { uuid, links: linksOf(baseUrl, 'containers', container.uuid), ...rest };
}

const guarded = {
  host: ['container:get_one:host', ({ host }: Container) => host],
  image_pull_policy: ['container:get_one:image_pull_policy', ({ spec }: Container) => spec.pullPolicy],
  privileged: ['container:get_one:privileged', ({ spec }: Container) => spec.privileged],
  runtime: [
    'container:get_one:runtime',
    ({ spec, resolved }: Container) => resolved?.runtime ?? spec.runtime,
  ],
} as const;

type GuardedName = keyof typeof guarded;
const guardedNames = Object.keys(guarded) as GuardedName[];

function mayShow(name: GuardedName, container: Container, { caller, policy }: Viewer): boolean {
  return policy.allows(caller, guarded[name][0], container);
}

function guardedFields(container: Container, viewer: Viewer): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const name of guardedNames) {
    if (mayShow(name, container, viewer)) shown[name] = guarded[name][1](container);
  }
  return shown;
}

const kindOfAddress = 'OS-EXT-IPS:type';

function addressesOf(nics: readonly Nic[], outside: Outside | undefined): Record<string, unknown[]> {
  const addresses: Record<string, unknown[]> = {};
  for (const nic of nics) {
    const entries = [
      ...fixedEntries(nic, outside),
      ...(outside?.get(nic.portId) ?? []).map(toFloatingEntry(nic)),
    ];
    addresses[nic.networkId] = [...(addresses[nic.networkId] ?? []), ...entries];
  }
  return addresses;
}

function fixedEntries({ fixedIps, portId, preserveOnDelete }: Nic, outside: Outside | undefined): object[] {
  return fixedIps.map(({ address, subnetId, version }) => ({
    addr: address,
    version,
    port: portId,
    subnet_id: subnetId,
    preserve_on_delete: preserveOnDelete,
    ...(outside ? { [kindOfAddress]: 'fixed' } : {}),
  }));
}

/** It is of no subnet of the container's, and outlives it. */
function toFloatingEntry({ portId }: Nic): (outside: OutsideAddress) => object {
  return ({ id, address, fixedAddress }) => ({
    addr: address,
    version: address.includes(':') ? 6 : 4,
    port: portId,
    subnet_id: null,
    preserve_on_delete: true,
    [kindOfAddress]: 'floating',
    floating_ip_id: id,
    fixed_addr: fixedAddress,
  });
}

function restartPolicyOf({ spec: { restartPolicy } }: Container) {
  if (restartPolicy === null) return {};
  return { Name: restartPolicy.name, MaximumRetryCount: String(restartPolicy.maximumRetryCount) };
}

function healthcheckOf({ spec: { healthcheck } }: Container) {
  if (healthcheck === null) return {};
  const { test, intervalSeconds, retries, timeoutSeconds } = healthcheck;
  return { test, interval: intervalSeconds, retries, timeout: timeoutSeconds };
}

function securityGroupsOf({ securityGroupIds, exposedGroupId }: Container): readonly string[] {
  const groups = securityGroupIds ?? [];
  return exposedGroupId === null ? groups : [...groups, exposedGroupId];
}

/** `YYYY-MM-DD HH:MM:SS`, UTC, without a zone: Zun's spelling for containers. */
export function toTime(iso: string | null): string | null {
  return iso && `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
}

/** `YYYY-MM-DDTHH:MM:SS.ffffff`: Zun's spelling for services and actions. */
export function toPreciseTime(iso: string | null): string | null {
  return iso && `${iso.slice(0, 19)}.${iso.slice(20, 23).padEnd(6, '0')}`;
}
