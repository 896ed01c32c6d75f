/**
 * `npm run bench`: boots a simulated machine, measures on it, prints one table (or `--json`, `--markdown`). Words choose
 * sections: `npm run bench -- traffic rules`. Exit code 1 when a target is missed. Limited to half an hour.
 */
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Machine } from '../helpers/machine.ts';
import { type Figure, isMet, markdownOf, tableOf } from './figures.ts';

const limitMs = 1_800_000;

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean' }, markdown: { type: 'boolean' } },
  allowPositionals: true,
});
process.exitCode = await bench();

async function bench(): Promise<number> {
  say('booting a simulated machine');
  await using disposer = new AsyncDisposableStack();
  const machine = await Machine.start();
  disposer.defer(() => machine.destroy());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void machine.crash());
  const figures = await measuresOn(machine);
  process.stdout.write(`${printed(figures)}\n`);
  return figures.every(isMet) ? 0 : 1;
}

function printed(figures: readonly Figure[]): string {
  if (values.json) return JSON.stringify(figures, null, 2);
  const where = `${new Date().toISOString().slice(0, 10)}, ${thisMachine()}`;
  return values.markdown ? `${markdownOf(figures)}\n\n${where}` : `${tableOf(figures)}\n${where}`;
}

async function measuresOn(machine: Machine): Promise<Figure[]> {
  const log = join(machine.disk, 'bench.log');
  const inside = join(import.meta.dirname, 'inside.ts');
  const work = machine.spawn(process.execPath, [inside, machine.disk, ...positionals], log, {
    DOCKER_HOST: machine.dockerHost,
  });
  const late = setTimeout(() => void machine.crash(), limitMs);
  const follow = setInterval(followed(log), 200);
  await work.exited;
  clearInterval(follow);
  clearTimeout(late);
  const text = readFileSync(log, 'utf8');
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  if (last.startsWith('[')) return JSON.parse(last) as Figure[];
  throw new Error(`the measures did not end well:\n${text.split('\n').slice(-25).join('\n')}`);
}

/** Tells each new line of the log that says what is being measured. */
function followed(log: string): () => void {
  let told = 0;
  return () => {
    const lines = readFileSync(log, { encoding: 'utf8', flag: 'a+' })
      .split('\n')
      .filter((line) => line.startsWith('measuring '));
    for (const line of lines.slice(told)) say(line);
    told = lines.length;
  };
}

function thisMachine(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, Linux ${release()}, Node ${process.version}`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
