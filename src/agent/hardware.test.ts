import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { noHardware } from '../model/hardware.ts';
import { readHardware } from './hardware.ts';

const files = {
  'devices/system/node/has_cpu': '0-1\n',
  'devices/system/node/node0/cpulist': '0-3,8\n',
  'devices/system/node/node0/meminfo': 'Node 0 MemTotal:       16777216 kB\nNode 0 MemFree: 5 kB\n',
  'devices/system/node/node10/cpulist': '4-7\n',
  'devices/system/node/node10/meminfo': 'Node 10 MemTotal:     1536 kB\n',
  'bus/pci/devices/0000:00:1f.2/vendor': '0x8086\n',
  'bus/pci/devices/0000:00:1f.2/device': '0x2922\n',
  'bus/pci/devices/0000:00:1f.2/class': '0x010601\n',
  'bus/pci/devices/0000:00:1f.2/numa_node': '-1\n',
  'bus/pci/devices/0000:3b:00.0/vendor': '0x10de\n',
  'bus/pci/devices/0000:3b:00.0/device': '0x1db6\n',
  'bus/pci/devices/0000:3b:00.0/class': '0x030200\n',
  'bus/pci/devices/0000:3b:00.0/numa_node': '1\n',
};

test('NUMA nodes and PCI devices are read as the kernel shows them; a machine that shows none has none', async () => {
  const sys = mkdtempSync(join(tmpdir(), 'berth-sys-'));
  try {
    assert.deepEqual(await readHardware(sys), noHardware);
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(sys, name)), { recursive: true });
      writeFileSync(join(sys, name), text);
    }
    assert.deepEqual(await readHardware(sys), {
      numaNodes: [
        { id: 0, cpus: '0-3,8', memoryMiB: 16_384 },
        { id: 10, cpus: '4-7', memoryMiB: 1 },
      ],
      pciDevices: [
        {
          address: '0000:00:1f.2',
          vendorId: '8086',
          productId: '2922',
          classId: '010601',
          numaNode: null,
        },
        { address: '0000:3b:00.0', vendorId: '10de', productId: '1db6', classId: '030200', numaNode: 1 },
      ],
    });
  } finally {
    rmSync(sys, { recursive: true });
  }
});
