/** What the server's scheduler needs to know of this host: from the Engine and the file system. */
import { readFile, statfs } from 'node:fs/promises';
import type { EngineInfo } from '../docker/engine.ts';
import type { HostReport } from '../wire/agent.ts';
import { readHardware } from './hardware.ts';

export interface HostSettings {
  readonly labels: Readonly<Record<string, string>>;
  readonly availabilityZone: string;
}

export async function hostFacts(info: EngineInfo, settings: HostSettings): Promise<HostReport> {
  const { numaNodes, pciDevices } = await readHardware();
  return {
    architecture: info.architecture,
    osType: info.osType,
    os: info.os,
    kernelVersion: info.kernelVersion,
    cpus: info.cpus,
    memoryMiB: Math.floor(info.memoryBytes / 2 ** 20),
    diskGiB: await diskGiBOf(info.rootDir),
    diskQuotaSupported: supportsDiskQuota(info, await readFile('/proc/self/mounts', 'utf8')),
    labels: { ...info.labels, ...settings.labels },
    runtimes: [...info.runtimes],
    availabilityZone: settings.availabilityZone,
    engineVersion: info.version,
    hardware: { numaNodes: [...numaNodes], pciDevices: [...pciDevices] },
  };
}

/** Size of the file system that holds the Engine's data; 0 when it cannot be seen from here. */
async function diskGiBOf(folder: string): Promise<number> {
  try {
    const { blocks, bsize } = await statfs(folder);
    return Math.floor((blocks * bsize) / 2 ** 30);
  } catch {
    return 0;
  }
}

const driversWithQuota = new Set(['btrfs', 'devicemapper', 'windowfilter', 'zfs']);

/** Whether a container can be given a size: some storage drivers can; overlay2 only on XFS mounted with project quotas. */
export function supportsDiskQuota(
  info: Pick<EngineInfo, 'storageDriver' | 'backingFilesystem' | 'rootDir'>,
  mounts: string,
): boolean {
  if (driversWithQuota.has(info.storageDriver)) return true;
  if (info.storageDriver !== 'overlay2' || info.backingFilesystem !== 'xfs') return false;
  const options = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, folder]) => folder !== undefined && isBelow(info.rootDir, folder))
    .sort((a, b) => (b[1]?.length ?? 0) - (a[1]?.length ?? 0))[0]?.[3];
  return /(^|,)(pquota|prjquota)(,|$)/.test(options ?? '');
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}
