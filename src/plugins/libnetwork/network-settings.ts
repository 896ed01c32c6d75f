/**
 * What a Docker network's options say about all of its endpoints. Docker tells them once, when the network is made, so
 * they are kept as tags of the network, with Docker's id: several of its networks may stand for one of ours.
 */
import { Failure } from '../../model/failure.ts';
import type { NetworkService } from '../../wire/network-service.ts';

export const settingKeys = {
  groups: 'berth.security-groups',
  publish: 'berth.publish',
  external: 'berth.external-network',
} as const;

export interface NetworkSettings {
  /** Security groups of the endpoints' ports; empty = the project's default group. */
  readonly groups: readonly string[];
  /**
   * What becomes of exposed and published ports: nothing, a security group that lets them in, or that and a floating IP
   * of this external network that leads to the published ones.
   */
  readonly publish: 'none' | 'ports' | { readonly externalNetworkId: string };
}

type Options = Readonly<Record<string, unknown>>;

const publishes = ['none', 'ports', 'floating-ip'] as const;
type Publish = (typeof publishes)[number];

export async function readSettings(service: NetworkService, options: Options): Promise<NetworkSettings> {
  const publish = (options[settingKeys.publish] ?? 'ports') as Publish;
  if (!publishes.includes(publish)) {
    throw new Failure(
      'invalid-value',
      `option ${settingKeys.publish} is ${publishes.join(', ')}, not "${publish}"`,
    );
  }
  return {
    groups: await findGroups(service, options),
    publish:
      publish === 'floating-ip' ? { externalNetworkId: await findExternal(service, options) } : publish,
  };
}

/** Ids of the groups that the option names, by id or name. */
export async function findGroups(service: NetworkService, options: Options): Promise<string[]> {
  const text = options[settingKeys.groups];
  if (typeof text !== 'string' || text.trim() === '') return [];
  const names = text.split(',').map((name) => name.trim());
  return Promise.all(names.map((name) => findOne(service, 'security-groups', name)));
}

export function settingTags(dockerId: string, { groups, publish }: NetworkSettings): string[] {
  const of = prefixesOf(dockerId);
  return [
    ...groups.map((id) => `${of.group}${id}`),
    ...(publish === 'none' ? [of.none] : []),
    ...(typeof publish === 'object' ? [`${of.external}${publish.externalNetworkId}`] : []),
  ];
}

export function settingsOf(dockerId: string, tags: readonly string[]): NetworkSettings {
  const of = prefixesOf(dockerId);
  const after = (prefix: string) =>
    tags.filter((tag) => tag.startsWith(prefix)).map((tag) => tag.slice(prefix.length));
  const [externalNetworkId] = after(of.external);
  const otherwise = tags.includes(of.none) ? 'none' : 'ports';
  return {
    groups: after(of.group),
    publish: externalNetworkId === undefined ? otherwise : { externalNetworkId },
  };
}

/** Tags hold 60 characters, of which an id takes 36. */
function prefixesOf(dockerId: string) {
  const short = dockerId.slice(0, 12);
  return { group: `kuryr.sg.${short}:`, external: `kuryr.fip.${short}:`, none: `kuryr.nopublish.${short}` };
}

async function findExternal(service: NetworkService, options: Options): Promise<string> {
  const named = options[settingKeys.external];
  if (typeof named === 'string' && named !== '') return findOne(service, 'networks', named);
  const [network, ...others] = await service.list('networks', { 'router:external': 'true' });
  if (network && others.length === 0) return network.id;
  const why = network ? 'there are several external networks' : 'there is no external network';
  throw new Failure('invalid', `${why}: name one by option ${settingKeys.external}`);
}

async function findOne(
  service: NetworkService,
  resource: 'networks' | 'security-groups',
  text: string,
): Promise<string> {
  const [byId] = await service.list(resource, { id: text });
  if (byId) return byId.id;
  const [byName, ...others] = await service.list(resource, { name: text });
  const what = resource === 'networks' ? 'network' : 'security group';
  if (!byName) {
    const code = resource === 'networks' ? 'network-not-found' : 'security-group-not-found';
    throw new Failure(code, `there is no ${what} "${text}"`);
  }
  if (others.length > 0) throw new Failure('conflict', `several ${what}s are named "${text}": give the id`);
  return byName.id;
}
