/** Names of containers: the generated ones, and the optional rule that they be unique. */
import { randomInt } from 'node:crypto';
import type { Config } from '../../base/config.ts';
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
