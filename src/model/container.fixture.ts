/** A container that asks for nothing special, for tests to vary. */
import type { ContainerSpec } from './container.ts';

export const plainSpec = {
  image: 'busybox',
  imageDriver: 'docker',
  pullPolicy: 'ifnotpresent',
  command: ['sleep', '1000'],
  entrypoint: [],
  cpu: 1,
  cpuPolicy: 'shared',
  memoryMiB: 512,
  diskGiB: 0,
  workdir: null,
  environment: {},
  labels: {},
  hostname: null,
  interactive: false,
  tty: false,
  autoRemove: false,
  autoHeal: false,
  runtime: null,
  privileged: false,
  restartPolicy: null,
  healthcheck: null,
  files: [],
  exposedPorts: [],
  registryId: null,
} satisfies ContainerSpec;
