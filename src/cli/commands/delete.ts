/**
 * `berth delete`: containers by name, or all that filters choose. The latter asks before it does anything, and where nobody can be asked
 * it wants `--yes`. `berth forget`: what is left of them.
 */
import type { Cloud } from '../../client/cloud.ts';
import type { ContainerView, NamedContainer, RefusedRemoval } from '../../client/container-types.ts';
import { Failure, isFailureCode } from '../../model/failure.ts';
import { operationRow } from '../../model/operation-table.ts';
import { type Call, define, type Setting } from '../define.ts';
import { exitCodes } from '../explain.ts';
import { printable } from '../output/text.ts';
import { leavingsOf } from '../publish/publish.ts';
import { forEachOf, forEachOperand } from '../several.ts';
import { UsageError } from '../usage-error.ts';
import { waitForContainer } from '../wait.ts';
import { noWait } from './change.ts';
import { type FilterOptions, filterOptions, filtersOf } from './container-filters.ts';

interface DeleteOptions extends FilterOptions {
  readonly wait?: boolean;
  readonly stop?: boolean;
  readonly force?: boolean;
  readonly all?: boolean;
  readonly yes?: boolean;
}

export function commands(setting: Setting): void {
  define<DeleteOptions>(setting, {
    usage: 'delete [container...]',
    summary: 'delete containers, with what they used',
    options: [
      ['-s, --stop', 'stop it first when it runs'],
      ['-f, --force', 'in whatever state it is (administrators)'],
      noWait,
      ['--all', 'all of the project, instead of naming or choosing them'],
      ['-y, --yes', 'do not ask whether those that were chosen are to go'],
      ...filterOptions,
    ],
    examples: [
      'berth delete web',
      'berth delete --stop web db',
      'berth delete --label app=web --stop',
      'berth delete --all --yes',
    ],
    run: async (call) => {
      const { operands, options } = call;
      const { all_projects: _, ...filters } = filtersOf(options);
      const isChosen = Object.keys(filters).length > 0;
      if ([operands.length > 0, isChosen, options.all === true].filter(Boolean).length !== 1) {
        throw new UsageError(
          'delete: name containers, or choose them with --label, --status …, or say --all',
        );
      }
      const cloud = await call.cloud();
      if (operands.length === 0) return removeChosen(call, cloud);
      return forEachOperand(call, 'delete', (name) => removeNamed(call, cloud, name));
    },
  });

  define(setting, {
    usage: 'forget <uuid...>',
    summary: 'forget deleted containers, and what was kept of their logs',
    examples: ['berth list --deleted', 'berth forget 5f0c…'],
    run: async (call) => {
      const { containers } = await call.cloud();
      return forEachOperand(call, 'forget', async (uuid) => {
        await containers.forget(uuid);
        return `${uuid}: forgotten`;
      });
    },
  });
}

type DeleteCall = Call<DeleteOptions>;
/** Takes away what was made to publish it; to be found out while the container is still there. */
type Leavings = () => Promise<void>;

async function removeNamed(call: DeleteCall, cloud: Cloud, name: string): Promise<string> {
  // The id, so that a new container of the same name is not waited for.
  const container = await cloud.containers.get(name);
  const removeLeavings = await leavingsOf(cloud, container);
  await cloud.containers.remove(container.uuid, switchesOf(call.options));
  return ended(call, cloud, { uuid: container.uuid, name }, removeLeavings);
}

async function removeChosen(call: DeleteCall, cloud: Cloud): Promise<number> {
  const { options, progress, world } = call;
  if (!options.yes && !world.ask)
    throw new UsageError('delete: nobody is there to be asked whether they are to go; say --yes');
  const chosen = await cloud.containers.list(filtersOf(options));
  if (chosen.length === 0) {
    progress.note('no container is chosen by that');
    return exitCodes.done;
  }
  if (!options.yes && !(await isWanted(call, chosen))) {
    progress.note('nothing was deleted');
    return exitCodes.failed;
  }
  const leavings = new Map<string, Leavings>();
  for (const container of chosen) leavings.set(container.uuid, await leavingsOf(cloud, container));
  const query = { ...filtersOf(options), ...(options.all ? { all: true } : {}), ...switchesOf(options) };
  const { accepted, refused } = await cloud.containers.removeMany(query);
  const done = await forEachOf(accepted, call, 'delete', (each) =>
    ended(call, cloud, each, leavings.get(each.uuid) ?? (async () => undefined)),
  );
  const told = await forEachOf(refused, call, 'delete', async (each) => {
    throw refusalOf(each);
  });
  return Math.max(done, told);
}

const shownNames = 20;

async function isWanted({ world }: DeleteCall, chosen: readonly ContainerView[]): Promise<boolean> {
  const names = chosen.slice(0, shownNames).map(({ name, status }) => `  ${printable(name)} (${status})\n`);
  const more = chosen.length > shownNames ? `  and ${chosen.length - shownNames} more\n` : '';
  world.stderr.write(`${names.join('')}${more}`);
  const answer = await world.ask?.(`Delete ${chosen.length === 1 ? 'it' : `these ${chosen.length}`}? [y/N] `);
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}

function switchesOf({ stop, force }: DeleteOptions): { readonly stop?: true; readonly force?: true } {
  return { ...(stop ? { stop } : {}), ...(force ? { force } : {}) };
}

function refusalOf({ name, error }: RefusedRemoval): Failure {
  const code = error.code.replace(/^container\./, '');
  return new Failure(isFailureCode(code) ? code : 'internal', `${name}: ${error.title}`);
}

async function ended(
  { options, world, progress }: DeleteCall,
  cloud: Cloud,
  { uuid, name }: Pick<NamedContainer, 'uuid' | 'name'>,
  removeLeavings: Leavings,
): Promise<string> {
  if (options.wait === false) return `${name}: accepted`;
  const left = await waitForContainer(
    { cloud, world, progress, seconds: operationRow('delete').seconds },
    uuid,
    (container) => !container || container.status === 'Error',
  );
  if (left) throw new Failure('docker-error', `${name}: could not be deleted: ${left.status_reason}`);
  await removeLeavings();
  return `${name}: deleted`;
}
