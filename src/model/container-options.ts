/** How the processes of a container are limited and set up, beyond what Zun has. What is absent is the Engine's own choice. */

/** In the units of the limit: files, processes, bytes, seconds. */
export interface Ulimit {
  readonly name: UlimitName;
  readonly soft: number;
  readonly hard: number;
}

export interface ContainerOptions {
  /** CPUs that it can use at most, however idle the host is. `cpu` alone is a share. */
  readonly cpuLimit?: number;
  readonly pidsLimit?: number;
  readonly ulimits?: readonly Ulimit[];
  readonly shmSizeMiB?: number;
  /** Path → MiB; null = as much as its memory holds. */
  readonly tmpfs?: Readonly<Record<string, number | null>>;
  readonly readOnly?: boolean;
  /** Name or number, with `:group` if wanted; the image's own otherwise. */
  readonly user?: string;
  /** Without `CAP_`. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Name → address. */
  readonly extraHosts?: Readonly<Record<string, string>>;
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly stopSignal?: string;
  /** Between the stop signal and SIGKILL, unless the stop says otherwise. */
  readonly stopGraceSeconds?: number;
  /** A small init process reaps what its children leave, and hands signals on. */
  readonly init?: boolean;
}

/** Without `nice` and `rtprio`, by which a container could keep others from running. */
export const ulimitNames = [
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nofile',
  'nproc',
  'rss',
  'rttime',
  'sigpending',
  'stack',
] as const;
export type UlimitName = (typeof ulimitNames)[number];

/** Settings of the container's own namespaces that cannot harm others: those that Kubernetes counts as safe, and TCP's timers. */
export const allowedSysctls = [
  'kernel.shm_rmid_forced',
  'net.core.somaxconn',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_syncookies',
] as const;

export const capabilities = (
  'AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID ' +
  'IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW ' +
  'PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE ' +
  'SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM'
).split(' ');
