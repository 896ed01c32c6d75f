/** Commands that look at containers and change nothing. */
import type { Cloud } from '../../client/cloud.ts';
import { collect, define, integer, type Setting } from '../define.ts';
import { floatingByPort } from '../floating.ts';
import type { Column, Row } from '../output/output.ts';
import { UsageError } from '../usage-error.ts';
import { type FilterOptions, filterOptions, filtersOf } from './container-filters.ts';
import { containerColumns, rowOf, showContainer } from './container-view.ts';

interface ListOptions extends FilterOptions {
  readonly limit?: number;
  readonly marker?: string;
  readonly sortKey?: string;
  readonly sortDir?: string;
  readonly deleted?: boolean;
}

const deletedColumns: readonly Column[] = [
  { key: 'uuid' },
  { key: 'name' },
  { key: 'image' },
  { key: 'deleted_at', title: 'DELETED' },
  { key: 'kept_until', title: 'KEPT UNTIL' },
  {
    key: 'logs_bytes',
    title: 'LOGS',
    text: ({ logs_bytes: bytes, logs_reason: reason }) => String(bytes ?? reason),
  },
];

export function commands(setting: Setting): void {
  define<ListOptions>(setting, {
    usage: 'list',
    summary: 'list containers',
    options: [
      ...filterOptions,
      ['--limit <number>', 'at most this many', integer],
      ['--marker <uuid>', 'after this container'],
      ['--sort-key <field>', 'order by this field'],
      ['--sort-dir <direction>', 'asc or desc'],
      ['--deleted', 'those that are deleted and whose logs are kept; by --name, --all-projects, --limit'],
    ],
    prints: true,
    examples: [
      'berth list',
      'berth list --status Running -f json',
      'berth list --label app=web',
      'berth list -f value -c name -c addresses',
      'berth list --deleted',
    ],
    run: async ({ cloud, options, out }) => {
      const session = await cloud();
      if (options.deleted) {
        const deleted = await session.containers.listDeleted(deletedQuery(options));
        await out.list(
          deletedColumns,
          deleted.map((each) => ({ ...each })),
        );
        return undefined;
      }
      const [containers, floating] = await Promise.all([
        session.containers.list({
          ...filtersOf(options),
          ...(options.limit === undefined ? {} : { limit: options.limit }),
          marker: options.marker,
          sort_key: options.sortKey,
          sort_dir: options.sortDir,
        }),
        floatingByPort(session.networks),
      ]);
      await out.list(
        containerColumns,
        containers.map((container) => rowOf(container, floating)),
      );
      return undefined;
    },
  });

  define(setting, {
    usage: 'show <container>',
    summary: 'show everything about a container',
    prints: true,
    examples: ['berth show web', 'berth show web -f json', 'berth show web -f value -c status'],
    run: async (call) => {
      const cloud = await call.cloud();
      await showContainer(call, cloud, await cloud.containers.getWhole(call.operands[0] ?? ''));
      return undefined;
    },
  });

  define<LogsOptions>(setting, {
    usage: 'logs <container>',
    summary: 'print what a container has written; of a deleted one by its uuid',
    options: [
      ['--stdout', 'its standard output only'],
      ['--stderr', 'its standard error only'],
      ['-t, --timestamps', 'with the time of each line'],
      ['--tail <lines>', 'the last lines only', integer],
      ['--since <time>', 'seconds since 1970, or "2026-01-31 12:00:00,000"'],
      ['-f, --follow', 'and go on until it ends'],
    ],
    examples: ['berth logs web', 'berth logs --tail 20 -t web', 'berth logs -f web'],
    run: async ({ cloud, operands, options, out }) => {
      const both = options.stdout === options.stderr;
      const query = {
        stdout: both || options.stdout === true,
        stderr: both || options.stderr === true,
        timestamps: options.timestamps === true,
        tail: options.tail,
        since: options.since,
      };
      const [container = ''] = operands;
      const { containers } = await cloud();
      if (options.follow) await containers.followLogs(container, query, (text) => out.raw(text));
      else out.raw(await containers.logs(container, query));
      return undefined;
    },
  });

  define<{ readonly pid?: readonly string[]; readonly ps?: string }>(setting, {
    usage: 'top <container>',
    summary: 'list the processes of a container',
    options: [
      ['--pid <pid>', 'these processes only (repeatable)', collect],
      ['--ps <arguments>', 'arguments of ps'],
    ],
    prints: true,
    examples: ['berth top web', 'berth top --ps "-o pid,comm" web'],
    run: async ({ cloud, operands, options, out }) => {
      const args = options.ps ?? (options.pid ? `-p ${options.pid.join(' ')}` : undefined);
      const { Titles: titles, Processes: processes } = await (await cloud()).containers.top(
        operands[0] ?? '',
        args,
      );
      const columns: Column[] = titles.map((title) => ({ key: title, title }));
      const rows = processes.map((cells) =>
        Object.fromEntries(titles.map((title, index) => [title, cells[index] ?? ''])),
      );
      await out.list(columns, rows);
      return undefined;
    },
  });

  define(setting, {
    usage: 'stats <container>',
    summary: 'show what a container uses',
    prints: true,
    examples: ['berth stats web', 'berth stats web -f json'],
    run: async ({ cloud, operands, out }) => {
      const stats: Row = { ...(await (await cloud()).containers.stats(operands[0] ?? '')) };
      const measured = Object.keys(stats).filter((key) => typeof stats[key] === 'number');
      const rounded = (key: string) => (row: Row) => String(Number(Number(row[key]).toPrecision(4)));
      await out.record(stats, Object.fromEntries(measured.map((key) => [key, rounded(key)])));
      return undefined;
    },
  });

  define(setting, {
    usage: 'actions <container> [request-id]',
    summary: 'show what was done with a container and how it ended',
    prints: true,
    examples: ['berth actions web', 'berth actions web req-2c0d…'],
    run: async ({ cloud, operands, out }) => {
      const [container = '', requestId] = operands;
      const { containers } = await cloud();
      if (requestId) {
        await out.record({ ...(await containers.action(container, requestId)) });
        return undefined;
      }
      const keys = ['action', 'request_id', 'start_time', 'finish_time', 'message'];
      const actions = await containers.actions(container);
      await out.list(
        keys.map((key) => ({ key })),
        actions.map((action) => ({ ...action })),
      );
      return undefined;
    },
  });
}

/** Throws UsageError for what deleted containers are not listed by. */
function deletedQuery({ limit, marker, sortKey, sortDir, ...options }: ListOptions): DeletedQuery {
  const { all_projects, name, ...others } = filtersOf(options);
  const [other] = Object.keys({ ...others, ...(sortKey && { sortKey }), ...(sortDir && { sortDir }) });
  if (other)
    throw new UsageError(
      `list --deleted: it takes --name, --all-projects, --limit and --marker, no ${other}`,
    );
  return { all_projects, name, marker, ...(limit === undefined ? {} : { limit }) };
}
type DeletedQuery = NonNullable<Parameters<Cloud['containers']['listDeleted']>[0]>;

interface LogsOptions {
  readonly follow?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly timestamps?: boolean;
  readonly tail?: number;
  readonly since?: string;
}
