/** Puts containers into the store of a stopped Berth: 1,000 real ones would be a test of Docker, and of patience. */
import { newUuid } from '../../src/model/ids.ts';
import type { NewContainer } from '../../src/store/container/codec.ts';
import { insertContainer } from '../../src/store/container/containers.ts';
import { openDatabase } from '../../src/store/database.ts';

export interface Owner {
  readonly projectId: string;
  readonly userId: string;
}

/** On a host that is not this one, so that no agent looks for them. */
export async function seedContainers(file: string, owner: Owner, count: number): Promise<void> {
  const db = await openDatabase(file);
  try {
    await db.transaction().execute(async (trx) => {
      for (let i = 0; i < count; i++) await insertContainer(trx, containerOf(i, owner));
    });
  } finally {
    await db.destroy();
  }
}

function containerOf(index: number, owner: Owner): NewContainer {
  const networkId = newUuid();
  const now = new Date().toISOString();
  return {
    ...owner,
    uuid: newUuid(),
    name: `seeded-${index}`,
    spec: {
      image: 'registry.example.com/team/web:1.25',
      imageDriver: 'docker',
      pullPolicy: 'ifnotpresent',
      command: ['nginx', '-g', 'daemon off;'],
      entrypoint: [],
      cpu: 0.5,
      cpuPolicy: 'shared',
      memoryMiB: 256,
      diskGiB: 0,
      workdir: null,
      environment: { A: '1', B: '2' },
      labels: { app: 'web', tier: 'front' },
      hostname: `web-${index}`,
      interactive: false,
      tty: false,
      autoRemove: false,
      autoHeal: false,
      runtime: null,
      privileged: false,
      restartPolicy: { name: 'on-failure', maximumRetryCount: 3 },
      healthcheck: null,
      exposedPorts: [],
      registryId: null,
    },
    files: [],
    nets: [{ index: 0, networkId }],
    nics: [
      {
        index: 0,
        networkId,
        portId: newUuid(),
        macAddress: 'fa:16:3e:00:00:01',
        fixedIps: [{ address: '10.10.0.7', subnetId: newUuid(), version: 4 }],
        preserveOnDelete: false,
      },
    ],
    securityGroupIds: [newUuid()],
    exposedGroupId: null,
    host: 'elsewhere',
    portsPhase: 'ready',
    status: 'Running',
    statusReason: null,
    taskState: null,
    power: 'running',
    revision: 1,
    wasCreated: true,
    engineState: 'running',
    runtimeId: newUuid(),
    exitCode: null,
    resolved: null,
    vitals: null,
    heals: null,
    startedAt: now,
    finishedAt: null,
    observedAt: now,
    createdAt: now,
    updatedAt: now,
  };
}
