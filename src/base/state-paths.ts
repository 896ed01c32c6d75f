import { join } from 'node:path';

/** Where an installation lives unless it is told otherwise. */
export const defaultStateDir = '/var/lib/berth';

/** Files and folders of an installation, all below `stateDir`. */
export function statePaths(stateDir: string) {
  return {
    database: join(stateDir, 'berth.db'),
    lock: join(stateDir, 'berth.lock'),
    controlSocket: join(stateDir, 'berth.sock'),
    cnmDatabase: join(stateDir, 'cnm.db'),
    cnmSocket: join(stateDir, 'cnm.sock'),
    cnmPeers: join(stateDir, 'cnm-peers'),
    cnmLogFile: join(stateDir, 'cnm.log'),
    cnmLock: join(stateDir, 'cnm.lock'),
    logFile: join(stateDir, 'berth.log'),
    keptLogs: join(stateDir, 'kept-logs'),
    secretsKey: join(stateDir, 'secrets.key'),
    policy: join(stateDir, 'policy.yaml'),
    cloudsYaml: join(stateDir, 'clouds.yaml'),
    openrc: join(stateDir, 'openrc'),
    openrcAdmin: join(stateDir, 'openrc-admin'),
  } as const;
}
