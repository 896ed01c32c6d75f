/**
 * The demo: two containers on a network of their own, one port open, everything else closed; each claim is checked.
 *
 * Names carry a random ending, so a demo that was killed is no obstacle to the next one.
 */
import type { Cloud } from '../../client/cloud.ts';
import type { ContainerRequest, ContainerView } from '../../client/container-types.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import { fixedAddresses } from '../commands/container-view.ts';
import type { Progress } from '../output/progress.ts';
import { renderTable } from '../output/table.ts';
import { printable } from '../output/text.ts';
import { joinWords } from '../shell-words.ts';
import { waitForContainer } from '../wait.ts';
import type { World } from '../world.ts';
import { busyboxTar } from './busybox.ts';
import { type EngineAddress, hasImage, importImage, removeImage } from './engine-images.ts';
import type { Print, Story } from './story.ts';

export interface Stage {
  readonly cloud: Cloud;
  readonly engine: EngineAddress;
  /** Its sleep ends early when the demo is interrupted. */
  readonly world: World;
  /** For what must happen also after an interruption. */
  readonly patient: World;
  readonly progress: Progress;
  readonly print: Print;
  readonly story: Story;
}

const page = 'Ahoy from a container on a Berth network.';
const openPort = 80;
const closedPort = 8080;
const range = '10.42.0.0/24';
/** How long a fetch may take before it counts as refused: what is filtered is dropped, not answered. */
const patienceSeconds = 2;

/** Ends at once when it is told to stop, instead of making its deletion wait for ten seconds. */
const idle = "trap 'exit 0' TERM; sleep 3600 & wait";
const serve = `echo '${page}' > /www/index.html; httpd -p ${openPort} -h /www; httpd -p ${closedPort} -h /www; ${idle}`;

export async function playDemo(stage: Stage): Promise<void> {
  const { story, print } = stage;
  const suffix = crypto.randomUUID().slice(0, 4);
  const image = await bringImage(stage, `berth-demo-${suffix}`);
  const network = await makeNetwork(stage, `demo-net-${suffix}`);
  const group = await makeGroup(stage, `demo-web-${suffix}`);
  const common = { image, cpu: 0.5, memory: '64', nets: [{ network: network.id }] };
  const web = await runContainer(stage, {
    ...common,
    name: `demo-web-${suffix}`,
    command: ['sh', '-c', serve],
    security_groups: [group.id],
  });
  const client = await runContainer(stage, {
    ...common,
    name: `demo-client-${suffix}`,
    command: ['sh', '-c', idle],
  });
  const [address = ''] = fixedAddresses(web);
  await checkTraffic(stage, { web, client, address, groupId: group.id });
  print(standing([web, client], { network: `${network.name} (${range})`, groups: [group.name, 'default'] }));
  await story.step('everything removed again', async () => {
    await story.removeAll();
    await assertGone(stage, [web, client], image);
    return { made: undefined };
  });
}

async function bringImage({ engine, story }: Stage, name: string): Promise<string> {
  return story.step('an image made of busybox, without a registry', async () => {
    story.later(`image ${name}`, () => removeImage(engine, name));
    await importImage(engine, name, { tar: await busyboxTar(), changes: ['CMD ["sh"]'] });
    if (!(await hasImage(engine, name))) throw new Failure('docker-error', `Docker has no image ${name}`);
    return { said: name, made: name };
  });
}

interface Named {
  readonly id: string;
  readonly name: string;
}

async function makeNetwork({ cloud: { networks }, story }: Stage, name: string): Promise<Named> {
  return story.step('a tenant network', async () => {
    const { id } = await networks.create('networks', { name });
    story.later(`network ${name}`, () => unlessGone(networks.remove('networks', id)));
    await networks.create('subnets', { network_id: id, ip_version: 4, cidr: range, name });
    return { said: `${name}, ${range}`, made: { id, name } };
  });
}

async function makeGroup({ cloud: { networks }, story }: Stage, name: string): Promise<Named> {
  return story.step(`a security group that lets only tcp/${openPort} in`, async () => {
    const { id } = await networks.create('security-groups', { name });
    story.later(`security group ${name}`, () => unlessGone(networks.remove('security-groups', id)));
    await openTo(networks, id, openPort);
    return { said: name, made: { id, name } };
  });
}

async function openTo(networks: Cloud['networks'], groupId: string, port: number): Promise<void> {
  await networks.create('security-group-rules', {
    security_group_id: groupId,
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: 'tcp',
    port_range_min: port,
    port_range_max: port,
  });
}

async function runContainer(
  stage: Stage,
  request: ContainerRequest & { readonly name: string },
): Promise<ContainerView> {
  const { cloud, story } = stage;
  return story.step(`container ${request.name}`, async () => {
    const { uuid } = await cloud.containers.create(request, { run: true });
    story.later(`container ${request.name}`, () => removeContainer(stage, uuid));
    const seen = await waitForContainer({ ...stage, seconds: 60 }, uuid, (container) =>
      ['Running', 'Stopped', 'Error', undefined].includes(container?.status),
    );
    if (seen?.status !== 'Running') {
      const why = seen?.status_reason ?? seen?.status_detail ?? 'it is gone';
      throw new Failure('docker-error', `${request.name} does not run: ${why}`);
    }
    const [address] = fixedAddresses(seen);
    if (!address) throw new Failure('docker-error', `${request.name} runs, but has no address`);
    return { said: `runs at ${address}`, made: seen };
  });
}

interface Scene {
  readonly web: ContainerView;
  readonly client: ContainerView;
  readonly address: string;
  readonly groupId: string;
}

async function checkTraffic(stage: Stage, { web, client, address, groupId }: Scene): Promise<void> {
  const { story, cloud } = stage;
  const open = `http://${address}:${openPort}/`;
  const closed = `http://${address}:${closedPort}/`;
  await story.step(`the client fetches ${open}`, async () => {
    await eventuallyFetched(stage, client, open);
    return { said: `“${page}”`, made: undefined };
  });
  await story.step(`the web server listens on ${closedPort} too`, async () => {
    await eventuallyFetched(stage, web, closed);
    return { said: 'it reaches itself there', made: undefined };
  });
  await story.step(`the client is refused at ${closed}`, async () => {
    const { output, exit_code: code } = await fetchIn(stage, client, closed);
    if (code === 0 || output.includes(page)) {
      throw new Failure('internal', `port ${closedPort} should be closed, but the client reached it`);
    }
    return { said: output.trim() || `no answer within ${patienceSeconds} s`, made: undefined };
  });
  await story.step(`a rule opens tcp/${closedPort} while both run, and the client gets through`, async () => {
    await openTo(cloud.networks, groupId, closedPort);
    await eventuallyFetched(stage, client, closed);
    return { made: undefined };
  });
}

/** A server inside a container needs a moment after its start, and so does a rule. */
async function eventuallyFetched(stage: Stage, from: ContainerView, url: string): Promise<void> {
  const end = performance.now() + 15_000;
  for (;;) {
    const { output, exit_code: code } = await fetchIn(stage, from, url);
    if (code === 0 && output.trim() === page) return;
    if (performance.now() > end) {
      throw new Failure(
        'internal',
        `${from.name} cannot fetch ${url}: ${output.trim() || `exit code ${code}`}`,
      );
    }
    await stage.world.sleep(50);
  }
}

function fetchIn({ cloud }: Stage, container: ContainerView, url: string) {
  // Not wget's own -T: it crashes in Debian's static busybox.
  const command = ['timeout', String(patienceSeconds), 'wget', '-q', '-O', '-', url];
  return cloud.containers.execute(container.uuid, joinWords(command));
}

async function removeContainer({ cloud, progress, patient }: Stage, uuid: string): Promise<void> {
  await unlessGone(cloud.containers.remove(uuid, { stop: true }));
  const waiting = { cloud, progress, world: patient, seconds: 60 };
  await waitForContainer(waiting, uuid, (container) => container === undefined);
}

async function unlessGone(removal: Promise<void>): Promise<void> {
  await removal.catch((error: unknown) => {
    if (!(isFailure(error) && error.status === 404)) throw error;
  });
}

async function assertGone(stage: Stage, containers: readonly ContainerView[], image: string): Promise<void> {
  const uuids = containers.map(({ uuid }) => uuid);
  const left = (await stage.cloud.containers.list()).filter(({ uuid }) => uuids.includes(uuid));
  const ports = await Promise.all(
    uuids.map((uuid) => stage.cloud.networks.list('ports', { device_id: uuid })),
  );
  const what = [
    ...left.map(({ name }) => `container ${name}`),
    ...ports.flat().map(({ id }) => `port ${id}`),
    ...((await hasImage(stage.engine, image)) ? [`image ${image}`] : []),
  ];
  if (what.length > 0) throw new Failure('internal', `still there: ${what.join(', ')}`);
}

function standing(
  containers: readonly ContainerView[],
  { network, groups }: { readonly network: string; readonly groups: readonly string[] },
): string {
  return renderTable({
    head: ['CONTAINER', 'STATUS', 'ADDRESS', 'NETWORK', 'SECURITY GROUP'],
    body: containers.map((container, index) =>
      [
        container.name,
        container.status,
        fixedAddresses(container).join(', '),
        network,
        groups[index] ?? '',
      ].map(printable),
    ),
  });
}
