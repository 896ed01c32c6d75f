/** /services, /hosts and /availability_zones: the machines and the agents on them. */
import type { ContainerControl } from '../../../control/container/control.ts';
import { type AgentService, agentBinary, type HostWithUsage } from '../../../control/container/hosts.ts';
import { Failure } from '../../../model/failure.ts';
import { linksOf, toPreciseTime } from '../container-view.ts';
import type { Call, Endpoint, Fields } from '../endpoint.ts';
import { ownMinor } from '../microversion.ts';
import { pageOf } from '../page-in-memory.ts';
import * as v from '../vocabulary.ts';

const target = {
  host: { schema: v.hostName, required: true },
  binary: { schema: v.binaryName, required: true },
} as const satisfies Fields;

export function hostEndpoints({ hosts, config }: ContainerControl): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/services',
      summary: 'Agents, and whether they are up',
      policy: 'zun-service:get_all',
      status: 200,
      handle: async ({ caller }) => ({ body: { services: (await hosts.services(caller)).map(toService) } }),
    },
    {
      method: 'PUT',
      path: '/services/enable',
      summary: 'Let the scheduler use a host again',
      policy: 'zun-service:enable',
      query: target,
      status: 200,
      async handle(call) {
        const { host, binary } = targetOf(call);
        await hosts.enable(call.caller, { host, binary });
        return { body: { service: { host, binary, disabled: false, disabled_reason: null } } };
      },
    },
    {
      method: 'PUT',
      path: '/services/disable',
      summary: 'Keep the scheduler from using a host',
      policy: 'zun-service:disable',
      query: { ...target, disabled_reason: { schema: v.binaryName } },
      status: 200,
      async handle(call) {
        const { host, binary } = targetOf(call);
        const reason = (call.query.disabled_reason as string | undefined) ?? null;
        await hosts.disable(call.caller, { host, binary }, reason);
        return { body: { service: { host, binary, disabled: true, disabled_reason: reason } } };
      },
    },
    {
      method: 'PUT',
      path: '/services/force_down',
      summary: 'Treat a host as down, or no longer',
      policy: 'zun-service:force_down',
      query: { ...target, forced_down: { schema: v.plainBoolean } },
      status: 200,
      async handle(call) {
        const { host, binary } = targetOf(call);
        const forcedDown = v.isTrue(call.query.forced_down, true);
        await hosts.forceDown(call.caller, { host, binary }, forcedDown);
        return { body: { service: { host, binary, forced_down: forcedDown } } };
      },
    },
    {
      method: 'DELETE',
      path: '/services',
      summary: 'Forget a host until its agent is heard again',
      policy: 'zun-service:delete',
      query: target,
      status: 200,
      async handle(call) {
        await hosts.remove(call.caller, targetOf(call));
        return { body: null };
      },
    },
    {
      method: 'GET',
      path: '/hosts',
      summary: 'Hosts with capacities and claims',
      policy: 'host:get_all',
      since: 4,
      status: 200,
      async handle(call) {
        const all = (await hosts.list(call.caller)).map((host) => toHost(host, call));
        const unknownMarker = (marker: string) =>
          new Failure('compute-node-not-found', `Compute node ${marker} could not be found.`);
        const { maxListLimit: maxLimit } = config.containers;
        const kind = { collection: 'hosts', defaultSortKey: 'hostname', sortKeys, maxLimit, unknownMarker };
        const { items, next } = pageOf(all, call, kind);
        return { body: { hosts: items, next } };
      },
    },
    {
      method: 'GET',
      path: '/hosts/:ident',
      summary: 'Show a host',
      policy: 'host:get',
      since: 4,
      status: 200,
      handle: async (call) => ({
        body: toHost(await hosts.get(call.caller, call.path.ident ?? ''), call),
      }),
    },
    {
      method: 'GET',
      path: '/availability_zones',
      summary: 'Zones of all hosts',
      policy: 'availability_zones:get_all',
      status: 200,
      handle: async ({ caller }) => ({
        body: {
          availability_zones: (await hosts.zones(caller)).map((zone) => ({ availability_zone: zone })),
          next: null,
        },
      }),
    },
  ];
}

function targetOf({ query }: Call): { host: string; binary: string } {
  return { host: String(query.host), binary: String(query.binary) };
}

function toService({ host, isUp, availabilityZone }: AgentService) {
  return {
    id: host.id,
    host: host.name,
    binary: agentBinary,
    state: isUp ? 'up' : 'down',
    disabled: host.disabled,
    disabled_reason: host.disabledReason,
    forced_down: host.forcedDown,
    last_seen_up: toPreciseTime(host.lastSeenAt),
    report_count: host.reportCount,
    availability_zone: availabilityZone,
    created_at: toPreciseTime(host.createdAt),
    updated_at: toPreciseTime(host.updatedAt),
  };
}

function toHost({ host, usage }: HostWithUsage, { baseUrl, version }: Call) {
  return {
    uuid: host.uuid,
    links: linksOf(baseUrl, 'hosts', host.uuid),
    hostname: host.name,
    mem_total: host.memoryMiB,
    mem_used: usage.memoryMiB,
    cpus: host.cpus,
    cpu_used: usage.cpu,
    disk_total: host.diskGiB,
    disk_used: usage.diskGiB,
    disk_quota_supported: host.diskQuotaSupported,
    total_containers: usage.containers,
    architecture: host.architecture,
    os_type: host.osType,
    os: host.os,
    kernel_version: host.kernelVersion,
    labels: host.labels,
    runtimes: host.runtimes,
    enable_cpu_pinning: false,
    ...(version < ownMinor ? {} : hardwareOf(host)),
  };
}

/** Not in Zun, which keeps it to itself. */
function hardwareOf({ hardware: { numaNodes, pciDevices } }: HostWithUsage['host']) {
  return {
    numa_topology: {
      nodes: numaNodes.map(({ id, cpus, memoryMiB }) => ({ id, cpuset: cpus, mem_total: memoryMiB })),
    },
    pci_devices: pciDevices.map(({ address, vendorId, productId, classId, numaNode }) => ({
      address,
      vendor_id: vendorId,
      product_id: productId,
      class_id: classId,
      numa_node: numaNode,
    })),
  };
}

const sortKeys = [
  'uuid',
  'hostname',
  'mem_total',
  'mem_used',
  'cpus',
  'cpu_used',
  'disk_total',
  'disk_used',
  'total_containers',
  'architecture',
  'os',
  'os_type',
  'kernel_version',
] as const;
