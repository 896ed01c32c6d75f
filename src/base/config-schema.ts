/** Every setting, with its type, its default and its words for people. Read by ./config.ts. */
import Type, { type Static } from 'typebox';
import { defaultStateDir } from './state-paths.ts';

const strict = { additionalProperties: false, default: {} } as const;

export const ConfigSchema = Type.Object(
  {
    stateDir: Type.String({
      default: defaultStateDir,
      description: 'Folder of everything that must survive',
    }),
    logLevel: Type.String({ default: 'info' }),
    policyFile: Type.String({
      default: '',
      description:
        'Rules of the container API that differ from the defaults; empty = policy.yaml in stateDir, if it is there',
    }),
    listen: Type.Object(
      {
        host: Type.String({ default: '127.0.0.1' }),
        port: Type.Integer({ default: 9517, minimum: 0, maximum: 65_535 }),
      },
      strict,
    ),
    publicUrl: Type.String({
      default: '',
      description: 'How clients reach the API; empty = http://<listen>',
    }),
    region: Type.String({ default: 'RegionOne' }),
    identity: Type.Object(
      {
        tokenSeconds: Type.Integer({ default: 43_200, minimum: 60 }),
        logInsPerMinute: Type.Integer({
          default: 30,
          minimum: 1,
          description: 'Failed log-ins per user and address',
        }),
      },
      strict,
    ),
    containers: Type.Object(
      {
        pullPolicy: Type.Enum(['always', 'ifnotpresent', 'never'], { default: 'ifnotpresent' }),
        maxArchiveMiB: Type.Integer({
          default: 1024,
          minimum: 1,
          description: 'Largest archive that is copied into or out of a container',
        }),
        defaultCpu: Type.Number({ default: 1 }),
        minimumCpu: Type.Number({ default: 0.1 }),
        maximumCpu: Type.Number({ default: 16 }),
        defaultMemoryMiB: Type.Integer({ default: 512 }),
        minimumMemoryMiB: Type.Integer({ default: 4 }),
        maximumMemoryMiB: Type.Integer({ default: 8192 }),
        minimumDiskGiB: Type.Integer({ default: 1 }),
        maximumDiskGiB: Type.Integer({ default: 160 }),
        defaultRuntime: Type.String({ default: 'runc' }),
        uniqueNameScope: Type.Enum(['', 'project', 'global'], { default: '' }),
        executeTimeoutSeconds: Type.Integer({ default: 5, minimum: 1 }),
        keptEvents: Type.Integer({
          default: 100_000,
          minimum: 1,
          description: 'How many changes of containers can be looked back at by those who watch',
        }),
        keptLogs: Type.Object(
          {
            days: Type.Integer({
              default: 7,
              minimum: 0,
              description: 'How long the end of its log is kept after a container is deleted; 0 = not at all',
            }),
            bytesPerContainer: Type.Integer({ default: 1_048_576, minimum: 0, maximum: 8_388_608 }),
            bytesPerHost: Type.Integer({
              default: 1_073_741_824,
              minimum: 0,
              description:
                'Of all kept logs of a host together; when they are more, those of the project with most go first',
            }),
          },
          strict,
        ),
        maxListLimit: Type.Integer({ default: 1000, minimum: 1 }),
      },
      strict,
    ),
    consoles: Type.Object(
      {
        tokenSeconds: Type.Integer({
          default: 90,
          minimum: 1,
          maximum: 3600,
          description: 'How long the address of a console may wait to be opened',
        }),
        pingSeconds: Type.Number({
          default: 30,
          exclusiveMinimum: 0,
          description: 'How often an open console is looked after',
        }),
        idleSeconds: Type.Number({
          default: 14_400,
          minimum: 0,
          description: 'A console in which nothing is said for so long is closed; 0 = never',
        }),
        allowedOrigins: Type.Array(Type.String({ pattern: '^https?://[^/]+$' }), {
          default: [],
          description:
            'Web sites besides this one whose pages may open consoles, e.g. https://dashboard.example',
        }),
      },
      strict,
    ),
    scheduler: Type.Object(
      {
        cpuAllocationRatio: Type.Number({ default: 16 }),
        memoryAllocationRatio: Type.Number({ default: 1.5 }),
        diskAllocationRatio: Type.Number({ default: 1 }),
        availabilityZone: Type.String({
          default: '',
          description: 'Where containers go that name none; empty = any',
        }),
      },
      strict,
    ),
    quotas: Type.Object(
      {
        containers: Type.Integer({ default: 40 }),
        memory: Type.Integer({ default: 51_200 }),
        cpu: Type.Integer({ default: 20 }),
        disk: Type.Integer({ default: 100 }),
        network: Type.Integer({ default: 100 }),
        subnet: Type.Integer({ default: 100 }),
        port: Type.Integer({ default: 500 }),
        router: Type.Integer({ default: 10 }),
        floatingip: Type.Integer({ default: 50 }),
        securityGroup: Type.Integer({
          default: 100,
          description: 'More than containers: one that exposes ports takes a group of its own',
        }),
        securityGroupRule: Type.Integer({ default: 1000 }),
        subnetpool: Type.Integer({ default: -1 }),
        rbacPolicy: Type.Integer({ default: 10 }),
      },
      strict,
    ),
    network: Type.Object(
      {
        mtu: Type.Integer({ default: 1450, minimum: 1280 }),
        externalMtu: Type.Integer({
          default: 1500,
          minimum: 1280,
          description: 'Largest packet of external networks: they are on no tunnel',
        }),
        macPrefix: Type.String({ default: 'fa:16:3e' }),
        externalCidr: Type.String({
          default: '172.24.4.0/24',
          description: 'The external network made at first start',
        }),
        externalInterface: Type.String({
          default: '',
          pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$|^$',
          description:
            'A link without addresses that leads to a real external network; empty = this machine is its gateway',
        }),
        demoCidr: Type.String({ default: '10.10.0.0/24' }),
        dnsDomain: Type.String({
          default: 'openstacklocal',
          pattern: '^([a-z0-9]([a-z0-9-]*[a-z0-9])?)(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$',
          description: 'Domain of the names in networks that have no `dns_domain` of their own',
        }),
      },
      strict,
    ),
    agent: Type.Object(
      {
        host: Type.String({ default: '', description: 'Name of this host; empty = the machine’s host name' }),
        availabilityZone: Type.String({ default: 'nova' }),
        labels: Type.Record(Type.String(), Type.String(), { default: {} }),
        dockerHost: Type.String({
          default: '',
          description: 'As DOCKER_HOST; empty = that variable or the usual socket',
        }),
        heartbeatSeconds: Type.Number({ default: 5 }),
        parallelOperations: Type.Integer({ default: 8, minimum: 1 }),
        sweep: Type.Enum(['on', 'dry-run'], {
          default: 'on',
          description: 'Whether leftovers of this installation are removed, or only logged',
        }),
        sweepGraceSeconds: Type.Number({
          default: 30,
          minimum: 0,
          description: 'How long something must be seen unwanted before it is removed',
        }),
      },
      strict,
    ),
    events: Type.Object(
      {
        nats: Type.Object(
          {
            servers: Type.Array(Type.String({ pattern: '^(nats://|tls://)?[^@/\\s]+$' }), {
              default: [],
              description:
                'Where changes of containers are published: nats://host:4222 or tls://…; empty = nowhere',
            }),
            subjectPrefix: Type.String({
              default: 'berth.containers',
              pattern: '^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$',
            }),
            stream: Type.String({
              default: '',
              pattern: '^[^.*>\\s/\\\\]*$',
              description: 'The JetStream stream that acknowledges each event; empty = the server alone does',
            }),
            user: Type.String({ default: '' }),
            password: Type.String({ default: '' }),
            token: Type.String({ default: '' }),
            credentialsFile: Type.String({ default: '', description: 'As `nsc` writes it: JWT and seed' }),
            caFile: Type.String({ default: '', description: 'Authorities to trust, for TLS' }),
            certFile: Type.String({ default: '', description: 'Certificate to show, for TLS' }),
            keyFile: Type.String({ default: '' }),
          },
          strict,
        ),
      },
      strict,
    ),
    webhooks: Type.Object(
      {
        perProject: Type.Integer({ default: 10, minimum: 0 }),
        allowedAddresses: Type.Array(Type.String(), {
          default: [],
          description:
            'Blocks of addresses that are not public and may be delivered to all the same: 10.1.0.0/16',
        }),
        caFile: Type.String({
          default: '',
          description: 'Authorities that receivers may have their certificates from, besides the usual',
        }),
        attemptSeconds: Type.Number({
          default: 10,
          exclusiveMinimum: 0,
          description: 'How long a receiver may take to answer',
        }),
        disableAfterSeconds: Type.Integer({
          default: 86_400,
          minimum: 0,
          description: 'A webhook that has failed for this long is disabled',
        }),
        parallelDeliveries: Type.Integer({
          default: 32,
          minimum: 1,
          description: 'How many webhooks are told at the same time',
        }),
      },
      strict,
    ),
    kuryr: Type.Object(
      {
        name: Type.String({
          default: 'kuryr',
          pattern: '^[a-z0-9][a-z0-9_.-]*$',
          description: 'Driver name for dockerd',
        }),
        pluginDir: Type.String({ default: '/run/docker/plugins' }),
        listen: Type.String({
          default: '',
          description: 'tcp://ADDRESS:PORT for dockerd instead of the socket; the next port, too',
        }),
        specDir: Type.String({
          default: '/etc/docker/plugins',
          description: 'Where dockerd looks for the addresses of drivers on TCP',
        }),
        insecure: Type.Boolean({
          default: false,
          description: 'kuryr.listen without TLS on an address that is not loopback',
        }),
        tls: Type.Object(
          {
            certFile: Type.String({ default: '', description: 'Certificate of the driver, for TLS' }),
            keyFile: Type.String({ default: '' }),
            clientCaFile: Type.String({ default: '', description: 'Authority of those who may call' }),
            dockerCaFile: Type.String({
              default: '',
              description: 'Authority that dockerd is told to trust',
            }),
            dockerCertFile: Type.String({
              default: '',
              description: 'Certificate that dockerd is told to show',
            }),
            dockerKeyFile: Type.String({ default: '' }),
          },
          strict,
        ),
        project: Type.String({
          default: 'demo',
          description: 'Project that plain `docker network create` works in',
        }),
        deadlineSeconds: Type.Number({ default: 25 }),
        sweepSeconds: Type.Number({
          default: 600,
          exclusiveMinimum: 0,
          description: 'How often at least what Docker did not release is looked for',
        }),
      },
      strict,
    ),
  },
  { additionalProperties: false },
);
export type Config = Static<typeof ConfigSchema>;
