/** The executable `berth`: the command line in this process's surroundings. */
import { resolve } from 'node:path';
import { main } from '../src/cli/main.ts';
import { processWorld } from '../src/cli/world.ts';

// A reader that has seen enough (`berth logs web | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.exitCode = await main(process.argv.slice(2), processWorld(resolve(import.meta.dirname, '..')));
