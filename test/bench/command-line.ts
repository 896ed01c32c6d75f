/** `berth list` from its start to its end, as somebody at a shell waits for it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Figure, median, timed } from './figures.ts';
import { root, type Server } from './server.ts';

const run = promisify(execFile);

export async function commandLineFigures(server: Server): Promise<Figure[]> {
  const env = {
    ...process.env,
    BERTH_STATE_DIR: server.stateDir,
    XDG_CACHE_HOME: join(server.stateDir, 'cache'),
  };
  const list = () => run(join(root, 'berth'), ['list'], { env });
  const nothing = () => run(process.execPath, ['-e', '0']);
  // Keeps a token, and the compiled code.
  await list();
  await list();
  const ours: number[] = [];
  const bare: number[] = [];
  for (let i = 0; i < 15; i++) {
    ours.push(await timed(list));
    bare.push(await timed(nothing));
  }
  return [
    {
      what: 'berth list, whole process',
      ours: median(ours),
      unit: 'ms',
      peer: { name: 'bare node', value: median(bare) },
      target: { atMost: 120 },
    },
  ];
}
