/** Names of containers: the generated ones, and the optional rule that they be unique. */
import { randomInt } from 'node:crypto';
import type { Config } from '../../base/config-schema.ts';
import type { Container } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import { isNameTaken } from '../../store/container/containers.ts';
import type { DbOrTrx } from '../../store/database.ts';

const letters = [
  'alpha',
  'beta',
  'gamma',
  'delta',
  'epsilon',
  'zeta',
  'eta',
  'theta',
  'iota',
  'kappa',
  'lambda',
  'mu',
  'nu',
  'xi',
  'omicron',
  'pi',
  'rho',
  'sigma',
  'tau',
  'upsilon',
  'phi',
  'chi',
  'psi',
  'omega',
];

/** `zeta-22-container`. Not unique: names need not be. */
export function generateName(): string {
  return `${letters[randomInt(letters.length)]}-${randomInt(1, 25)}-container`;
}

const longestLabel = 63;

/**
 * What a container's neighbours resolve it by: its host name as far as that is one label, else its name with what no
 * label may have made into hyphens. Empty when nothing is left; a label of digits alone would be taken for a number.
 */
export function dnsNameOf({ name, spec }: Pick<Container, 'name' | 'spec'>): string {
  const [first = ''] = (spec.hostname ?? name.replaceAll('.', '-')).split('.');
  const label = first
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .slice(0, longestLabel)
    .replaceAll(/^-+|-+$/g, '');
  return /^\d+$/.test(label) ? '' : label;
}

/** Throws `container-already-exists` (409) when the configured scope has the name, in whatever case. */
export async function assertNameFree(
  db: DbOrTrx,
  config: Config,
  name: string,
  projectId: string,
): Promise<void> {
  const scope = config.containers.uniqueNameScope;
  if (scope === '' || !(await isNameTaken(db, name, scope === 'project' ? projectId : null))) return;
  throw new Failure(
    'container-already-exists',
    `A container with name ${name.toLowerCase()} already exists.`,
  );
}
