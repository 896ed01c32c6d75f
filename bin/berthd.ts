/**
 * The server process that `berth up` starts: the APIs, the agent of this host and the Kuryr plugin in one.
 *
 *   berthd.ts [--config FILE] [--state-dir FOLDER] [--listen ADDRESS] [--port PORT]
 *
 * Logs go to stderr. Exit codes: 0 stopped as asked, 1 could not start or somebody else holds the state folder, 2 not
 * possible here (no root), 64 wrong usage. Run it through `./berth up`, which also makes the machine ready.
 */
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2));
