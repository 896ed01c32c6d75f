/** Asks the daemon of this machine for a command, and says in its own terms what to do when that fails. */
import { statePaths } from '../../base/state-paths.ts';
import { askCnm } from '../../client/cnm.ts';
import { Failure, type FailureCode } from '../../model/failure.ts';
import type { CnmCalls, CnmVerb } from '../../wire/cnm.ts';
import { AdvisedFailure } from '../advised-failure.ts';
import type { Call } from '../define.ts';

const advice: Partial<Record<FailureCode, string>> = {
  unavailable: 'start it with: berth cnm serve -d',
  'network-not-found': 'see what there is: berth cnm network ls',
  'endpoint-not-found': 'see what there is: berth cnm endpoint ls',
  'sandbox-not-found': 'see what there is: berth cnm sandbox ls',
  'network-in-use': 'see its endpoints: berth cnm network inspect NETWORK',
  'endpoint-in-use': 'take it out first: berth cnm endpoint leave ENDPOINT',
  'driver-not-found': 'plugins are found in /run/docker/plugins and /etc/docker/plugins',
  'driver-refused': "the plugin's log may have more",
  'driver-unavailable': 'is the plugin running?',
  'pool-overlaps': 'see the others: berth cnm network ls; or leave the subnet out',
  'kernel-error': 'see the log of berth cnm serve',
};

export async function ask<Verb extends CnmVerb>(
  { stateDir }: Pick<Call, 'stateDir'>,
  verb: Verb,
  what: CnmCalls[Verb]['ask'],
): Promise<CnmCalls[Verb]['answer']> {
  try {
    return await askCnm(statePaths(stateDir).cnmSocket, verb, what);
  } catch (error) {
    const next = error instanceof Failure ? advice[error.code] : undefined;
    throw next && error instanceof Failure ? new AdvisedFailure(error.code, error.message, next) : error;
  }
}
