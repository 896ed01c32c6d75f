/**
 * The control socket of a running `berth up`: `berth.sock` in the state folder, mode 0600, so only its owner
 * can ask. One line of JSON each way per connection: a request, then a reply. After a `stop` the connection stays
 * open and is closed by the end of the process, which is how the asker knows that it is gone.
 *
 * No schema library here: both ends are the same release on the same machine, and the command line has to start fast.
 */
export type ControlRequest = { readonly do: 'status' } | { readonly do: 'stop' };

/** `starting` = the API answers and the first pass over this host has not ended; `stopping` = finishing work. */
export type ServerPhase = 'starting' | 'ready' | 'stopping';

export interface ServerStatus {
  readonly pid: number;
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly phase: ServerPhase;
  /** Where the APIs and the dashboard answer. */
  readonly url: string;
  readonly stateDir: string;
  /** Name of this host as the scheduler knows it. */
  readonly host: string;
  readonly docker: {
    readonly ok: boolean;
    /** For people; null while Docker answers. */
    readonly error: string | null;
  };
  /** Of all projects together, by what they are: `containers`, `running`, `networks`, `ports`. */
  readonly counts: Readonly<Record<string, number>>;
}

export type ControlReply = { readonly status: ServerStatus } | { readonly error: string };

/** Throws a SyntaxError or TypeError that says what is wrong with the line. */
export function parseControlRequest(line: string): ControlRequest {
  const request: unknown = JSON.parse(line);
  const verb = (request as { do?: unknown } | null)?.do;
  if (verb === 'status' || verb === 'stop') return { do: verb };
  throw new TypeError(`unknown request ${JSON.stringify(verb)}; known are "status" and "stop"`);
}
