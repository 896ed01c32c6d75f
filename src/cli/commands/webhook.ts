/** `berth webhook …`: URLs that changes of containers are posted to. A secret comes from a file: arguments are seen by everybody. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { WebhookRequest, WebhookView } from '../../client/webhooks.ts';
import { type Call, collect, define, integer, type OptionRow, type Setting } from '../define.ts';
import { exitCodes } from '../explain.ts';
import type { Column, Row } from '../output/output.ts';
import { forEachOperand } from '../several.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly url?: string;
  readonly name?: string;
  readonly event?: readonly string[];
  readonly secretFile?: string;
  readonly newSecret?: boolean;
  readonly after?: number;
  readonly enable?: boolean;
  readonly disable?: boolean;
  readonly allProjects?: boolean;
}

const kinds = ['created', 'changed', 'deleted'];

const common: readonly OptionRow[] = [
  ['--name <name>', 'what to call it'],
  ['--event <kind>', `${kinds.join(', ')} (repeatable; all of them)`, collect],
  ['--secret-file <file>', 'with the secret that deliveries are signed with'],
  ['--after <id>', 'tell everything since this event, 0 = as far back as there is', integer],
];

export function commands(setting: Setting): void {
  defineLook(setting);
  defineWrite(setting);
  define(setting, {
    usage: 'webhook delete <webhook...>',
    summary: 'be told no longer',
    examples: ['berth webhook delete bills'],
    run: async (call) => {
      const { webhooks } = await call.cloud();
      return forEachOperand(call, 'webhook delete', async (webhook) => {
        await webhooks.remove(webhook);
        return `${webhook}: deleted`;
      });
    },
  });
  define(setting, {
    usage: 'webhook test <webhook>',
    summary: 'send a test now, and say what came of it; fails when it was not taken',
    prints: true,
    examples: ['berth webhook test bills'],
    run: async ({ cloud, operands: [webhook = ''], out }) => {
      const trial = await (await cloud()).webhooks.test(webhook);
      await out.record({ ...trial });
      return trial.works ? exitCodes.done : exitCodes.failed;
    },
  });
}

function defineLook(setting: Setting): void {
  define<Options>(setting, {
    usage: 'webhook list',
    summary: 'list webhooks, and how their deliveries go',
    options: [['--all-projects', "everybody's (administrators)"]],
    prints: true,
    examples: ['berth webhook list', 'berth webhook list -f json'],
    run: async ({ cloud, options, out }) => {
      const query = options.allProjects ? { all_projects: true } : {};
      const all = await (await cloud()).webhooks.list(query);
      await out.list(
        columns,
        all.map((each) => ({ ...each })),
      );
      return undefined;
    },
  });
  define(setting, {
    usage: 'webhook show <webhook>',
    summary: 'show everything about a webhook',
    prints: true,
    examples: ['berth webhook show bills'],
    run: async ({ cloud, operands: [webhook = ''], out }) => {
      await out.record({ ...(await (await cloud()).webhooks.get(webhook)) });
      return undefined;
    },
  });
}

function defineWrite(setting: Setting): void {
  define<Options>(setting, {
    usage: 'webhook create <url>',
    summary: 'be told of changes of containers; the secret is shown here only',
    options: [
      ...common,
      ['--disable', 'not yet'],
      ['--all-projects', "of everybody's containers (administrators)"],
    ],
    prints: true,
    examples: [
      'berth webhook create https://bills.example/berth --name bills --event created --event deleted',
      'berth webhook create https://audit.example/ --after 0 --secret-file secret.txt',
    ],
    run: async (call) => {
      const [url = ''] = call.operands;
      const fields = {
        url,
        ...(await fieldsOf(call)),
        ...(call.options.allProjects ? { all_projects: true } : {}),
      };
      await call.out.record({ ...(await (await call.cloud()).webhooks.create(fields)) });
      return undefined;
    },
  });
  define<Options>(setting, {
    usage: 'webhook set <webhook>',
    summary: 'change a webhook, and try it again at once',
    options: [
      ['--url <url>', 'where to'],
      ...common,
      ['--new-secret', 'make a new secret, and show it'],
      ['--enable', 'go on where it was'],
      ['--disable', 'tell nothing until it is enabled'],
    ],
    prints: true,
    examples: ['berth webhook set bills --enable', 'berth webhook set bills --new-secret -f value -c secret'],
    run: async (call) => {
      const fields = await fieldsOf(call);
      if (Object.keys(fields).length === 0)
        throw new UsageError('nothing to change: give --url, --name, --event, --enable or another option');
      const [webhook = ''] = call.operands;
      await call.out.record({ ...(await (await call.cloud()).webhooks.update(webhook, fields)) });
      return undefined;
    },
  });
}

async function fieldsOf({ options, world }: Call<Options>): Promise<WebhookRequest> {
  const { url, name, event, secretFile, newSecret, after, enable, disable } = options;
  if (enable && disable) throw new UsageError('either --enable or --disable');
  if (secretFile !== undefined && newSecret) throw new UsageError('either --secret-file or --new-secret');
  return {
    ...(url === undefined ? {} : { url }),
    ...(name === undefined ? {} : { name }),
    ...(event === undefined ? {} : { events: event.map(eventName) }),
    ...(secretFile === undefined ? {} : { secret: await secretIn(resolve(world.cwd, secretFile)) }),
    ...(newSecret ? { secret: null } : {}),
    ...(after === undefined ? {} : { after }),
    ...(enable || disable ? { enabled: enable === true } : {}),
  };
}

function eventName(text: string): string {
  const kind = text.replace(/^container\./, '');
  if (!kinds.includes(kind)) throw new UsageError(`--event ${text}: expected ${kinds.join(', ')}`);
  return `container.${kind}`;
}

async function secretIn(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new UsageError(`--secret-file: cannot read ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

const columns: readonly Column[] = [
  { key: 'uuid' },
  { key: 'name' },
  { key: 'url' },
  {
    key: 'events',
    text: (row) =>
      hookOf(row)
        .events.map((name) => name.replace('container.', ''))
        .join(', '),
  },
  { key: 'enabled' },
  { key: 'told', text: (row) => String(hookOf(row).delivery.last_event_id ?? '') },
  { key: 'trouble', text: (row) => hookOf(row).disabled_reason ?? hookOf(row).delivery.last_error ?? '' },
];

function hookOf(row: Row): WebhookView {
  return row as unknown as WebhookView;
}
