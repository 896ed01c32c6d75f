/** By what several containers are chosen on the command line: to be listed, or to be deleted. */
import type { Query } from '../../client/http.ts';
import { collect, type OptionRow } from '../define.ts';

export interface FilterOptions {
  readonly allProjects?: boolean;
  readonly name?: string;
  readonly image?: string;
  readonly status?: string;
  readonly taskState?: string;
  readonly host?: string;
  readonly projectId?: string;
  readonly userId?: string;
  readonly label?: readonly string[];
  readonly createdSince?: string;
  readonly createdBefore?: string;
}

export const filterOptions: readonly OptionRow[] = [
  ['--all-projects', 'those of everybody (administrators)'],
  ['--name <name>', 'with this name'],
  ['--image <image>', 'of this image'],
  ['--status <status>', 'in this status: Running, Stopped, Error …'],
  ['--task-state <state>', 'with this going on'],
  ['--host <name>', 'on this host (administrators)'],
  ['--project-id <id>', 'of this project'],
  ['--user-id <id>', 'of this user'],
  ['--label <NAME[=VALUE]>', 'with this label (repeatable)', collect],
  ['--created-since <time>', 'made then or later: 2026-01-31T12:00:00Z'],
  ['--created-before <time>', 'made before'],
];

/** The query of the API; what was not said is not in it. */
export function filtersOf(options: FilterOptions): Query {
  const filters: Query = {
    all_projects: options.allProjects || undefined,
    name: options.name,
    image: options.image,
    status: options.status,
    task_state: options.taskState,
    host: options.host,
    project_id: options.projectId,
    user_id: options.userId,
    label: options.label,
    created_since: options.createdSince,
    created_before: options.createdBefore,
  };
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
}
