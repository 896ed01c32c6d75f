/**
 * Errors for people: one line that says what is wrong, one that says what to do next.
 * The exit codes are here too: 0 done, 1 failed, 2 the command line was wrong.
 */
import { ServiceFailure } from '../client/http.ts';
import { type ContainerStatus, containerStatuses } from '../model/container.ts';
import { Failure, type FailureCode } from '../model/failure.ts';
import { AdvisedFailure } from './advised-failure.ts';
import { printable } from './output/text.ts';
import { commandsIn } from './possible.ts';
import { UsageError } from './usage-error.ts';

export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

export interface Explanation {
  readonly lines: readonly string[];
  readonly exitCode: number;
}

/** `command` = the words of the command that failed, for the pointer to its help. */
export function explain(error: unknown, command: string): Explanation {
  const help = `see: berth ${command ? `${command} ` : ''}--help`;
  if (error instanceof UsageError) {
    return { lines: [`berth: ${printable(error.message)}`, help], exitCode: exitCodes.usage };
  }
  if (!(error instanceof Failure)) {
    const text = error instanceof Error ? error.message : String(error);
    const lines = [`berth: unexpected: ${printable(text)}`, 'run it again with --debug to see where from'];
    return { lines, exitCode: exitCodes.failed };
  }
  const request =
    error instanceof ServiceFailure && error.requestId && error.status >= 500
      ? ` (request ${error.requestId})`
      : '';
  const advice =
    error instanceof AdvisedFailure
      ? error.advice
      : (adviceOnState(error) ?? adviceOnLogIn(error) ?? nextSteps[error.code]);
  const next = advice ?? (error.status >= 500 ? serverStep : help);
  return { lines: [`berth: ${printable(error.message)}${request}`, next], exitCode: exitCodes.failed };
}

/** What can be done instead, by the table that the service refused it by. */
function adviceOnState({ code, message }: Failure): string | undefined {
  const status = code === 'invalid-state-exception' ? / in (\w+) state$/.exec(message)?.[1] : undefined;
  if (!status || !isStatus(status)) return undefined;
  const commands = commandsIn(status).map((command) => `berth ${command}`);
  return `while it is ${status}: ${commands.join(', ')}`;
}

/** Who was answered has found a server: it is the log-in that is wrong there. */
function adviceOnLogIn(error: Failure): string | undefined {
  return error instanceof ServiceFailure && error.code === 'unauthorized'
    ? 'its log-in is not right there: look at user, password and project, or say which cloud: berth --os-cloud NAME …'
    : undefined;
}

function isStatus(word: string): word is ContainerStatus {
  return (containerStatuses as readonly string[]).includes(word);
}

const serverStep = 'see what the server says: berth status, and its log berth.log in the state folder';

const nextSteps: Partial<Record<FailureCode, string>> = {
  unauthorized: 'start Berth here with: berth up -d, or say which cloud: berth --os-cloud NAME …',
  unavailable: 'is it running? look with: berth status, start it with: berth up -d',
  timeout: 'look with: berth status, or allow more time with --request-timeout SECONDS',
  'policy-not-authorized': 'administrators may: try berth --os-cloud berth-admin …',
  'container-not-found': 'see what there is: berth list',
  'webhook-not-found': 'see what there is: berth webhook list',
  'network-not-found': 'see what there is: berth network list',
  'subnet-not-found': 'see what there is: berth subnet list',
  'port-not-found': 'see what there is: berth port list',
  'security-group-not-found': 'see what there is: berth security-group list',
  'router-not-found': 'see what there is: berth router list',
  'invalid-state-exception': 'see its state with: berth show NAME (a running container: delete --stop)',
  'container-already-exists': 'choose another name, or delete that one first',
  'docker-error': 'see more with: berth show NAME, and what was done with: berth actions NAME',
  'over-quota': 'see the limits and what is in use: berth quota show',
  'network-over-quota': 'delete what is not needed, or ask an administrator for more',
  'network-in-use': 'see who uses it: berth port list --network NAME',
  'subnet-in-use': 'see who uses it: berth port list',
  'router-interface-needed-by-route': 'remove the route first: berth router route list ROUTER, route remove',
  'router-interface-needed-by-floating-ip':
    'see which: berth network topology; then berth floating-ip release ADDRESS',
  'router-gateway-needed': 'see which: berth network topology; then berth floating-ip release ADDRESS',
  'external-network-unreachable':
    'give its network a way out: berth router create --gateway ROUTER, router add-subnet ROUTER SUBNET',
  'external-address-exhausted':
    'give back what nobody needs: berth floating-ip list, floating-ip delete ADDRESS',
  'floating-ip-not-found': 'see what there is: berth floating-ip list',
  'floating-ip-taken': 'release it first: berth floating-ip release ADDRESS',
  'floating-ip-in-use':
    'its ports are forwarded: see berth network topology, and take them back with berth unexpose',
  'port-has-floating-ip': 'see which: berth floating-ip list',
  'router-in-use':
    'take its subnets and floating IPs from it first: berth router remove-subnet ROUTER SUBNET',
  'security-group-in-use': 'see who uses it: berth port list -c id -c security_groups',
};
