/** The executable `berth-cni` in this process's surroundings. */
import { readFileSync } from 'node:fs';
import { main } from '../src/plugins/cni/client/main.ts';

void main({
  variables: process.env,
  readStdin: async () => readFileSync(0, 'utf8'),
  print: (line) => process.stdout.write(line),
  complain: (line) => process.stderr.write(`${line}\n`),
}).then((code) => {
  process.exitCode = code;
});
