/** NUMA nodes and PCI devices of this machine, as the kernel shows them below /sys. What is not there is left out. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hardware, NumaNode, PciDevice } from '../model/hardware.ts';

export async function readHardware(sys = '/sys'): Promise<Hardware> {
  const [numaNodes, pciDevices] = await Promise.all([
    numaNodesOf(join(sys, 'devices/system/node')),
    pciDevicesOf(join(sys, 'bus/pci/devices')),
  ]);
  return { numaNodes, pciDevices };
}

async function numaNodesOf(folder: string): Promise<NumaNode[]> {
  const ids = (await namesIn(folder)).flatMap((name) => /^node(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  return Promise.all(
    ids
      .sort((a, b) => a - b)
      .map(async (id) => ({
        id,
        cpus: await textOf(folder, `node${id}`, 'cpulist'),
        memoryMiB: memoryOf(await textOf(folder, `node${id}`, 'meminfo')),
      })),
  );
}

/** `Node 0 MemTotal:  16384 kB` */
function memoryOf(meminfo: string): number {
  return Math.floor(Number(/MemTotal:\s*(\d+) kB/.exec(meminfo)?.[1] ?? 0) / 1024);
}

async function pciDevicesOf(folder: string): Promise<PciDevice[]> {
  const addresses = (await namesIn(folder)).sort();
  return Promise.all(
    addresses.map(async (address) => {
      const hex = async (file: string) => (await textOf(folder, address, file)).replace(/^0x/, '');
      const node = await textOf(folder, address, 'numa_node');
      return {
        address,
        vendorId: await hex('vendor'),
        productId: await hex('device'),
        classId: await hex('class'),
        // The kernel says -1 for "near none".
        numaNode: node === '' || node.startsWith('-') ? null : Number(node),
      };
    }),
  );
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}

async function textOf(...path: readonly string[]): Promise<string> {
  try {
    return (await readFile(join(...path), 'utf8')).trim();
  } catch {
    return '';
  }
}
