/** `berth expose` and `berth unexpose`: a container's ports for everybody outside, in one command. */
import { AdvisedFailure } from '../advised-failure.ts';
import { type Call, define, type Setting } from '../define.ts';
import type { Column } from '../output/output.ts';
import type { Published } from '../publish/address.ts';
import { type PublishAsk, publishAsksOf } from '../publish/ask.ts';
import { publish, publishedOf, unpublish } from '../publish/publish.ts';

export const publishedColumns: readonly Column[] = [
  { key: 'address' },
  { key: 'protocol' },
  { key: 'container' },
  { key: 'port' },
];

export function commands(setting: Setting): void {
  define<{ readonly shared?: boolean }>(setting, {
    usage: 'expose <container> <port...>',
    summary: "publish a container's ports on an external address",
    options: [['--shared', 'on an address that several containers share, instead of one of its own']],
    prints: true,
    examples: [
      'berth expose web 80            # an address of its own',
      'berth expose web 8080:80/tcp   # port 8080 of a shared address leads to port 80',
      'berth expose dns 53/udp 53/tcp --shared',
    ],
    run: async (call) => {
      const [name = '', ...texts] = call.operands;
      const asks = publishAsksOf(texts);
      const cloud = await call.cloud();
      const container = await cloud.containers.get(name);
      const where = { cloud, container, progress: call.progress };
      const published = await publish(where, asks, call.options.shared ?? false);
      await showPublished(call, container.name, published);
      return undefined;
    },
  });
  define(setting, {
    usage: 'unexpose <container> [port...]',
    summary: 'take back what expose and run --publish made, for all or some ports',
    examples: ['berth unexpose web', 'berth unexpose web 80/tcp'],
    run: async (call) => {
      const [name = '', ...texts] = call.operands;
      const asks = publishAsksOf(texts);
      const cloud = await call.cloud();
      const container = await cloud.containers.get(name);
      const published = await publishedOf({ cloud, container });
      refuseUnknown(name, asks, published);
      await unpublish({ cloud, container }, asks.length > 0 ? asks : undefined);
      call.progress.note(`${name}: no longer published${texts.length > 0 ? `: ${texts.join(' ')}` : ''}`);
      return undefined;
    },
  });
}

export async function showPublished(
  { out }: Call,
  container: string,
  published: readonly Published[],
): Promise<void> {
  await out.list(
    publishedColumns,
    published.map((one) => ({ ...one, container })),
  );
}

function refuseUnknown(name: string, asks: readonly PublishAsk[], published: readonly Published[]): void {
  const unknown = asks.find(
    ({ inside, protocol }) => !published.some((one) => one.port === inside && one.protocol === protocol),
  );
  if (!unknown) return;
  const all = published.map(({ port, protocol }) => `${port}/${protocol}`).join(', ');
  throw new AdvisedFailure(
    'resource-not-found',
    `port ${unknown.inside}/${unknown.protocol} of ${name} is not published`,
    all ? `published are: ${all}` : `nothing of ${name} is published`,
  );
}
