/** The executable `berth-cni` in this process's surroundings. */
import { text } from 'node:stream/consumers';
import { main } from '../src/plugins/cni/client/main.ts';

process.exitCode = await main({
  variables: process.env,
  readStdin: () => text(process.stdin),
  print: (line) => process.stdout.write(line),
  complain: (line) => process.stderr.write(`${line}\n`),
});
