/** A process with a control socket at argv[2], for control-socket.test.ts: ends with code 7 when asked to stop. */
import { silentLog } from '../base/log.ts';
import { openControlSocket } from './control-socket.ts';

await openControlSocket({
  path: process.argv[2] ?? '',
  log: silentLog(),
  status: async () => ({
    pid: process.pid,
    version: '0',
    startedAt: '2026-01-01T00:00:00Z',
    phase: 'stopping',
    url: 'http://127.0.0.1:1',
    stateDir: '/',
    host: 'h',
    docker: { ok: false, error: 'no Docker' },
    counts: {},
  }),
  stop: () => {
    clearTimeout(alive);
    setImmediate(() => process.exit(7));
  },
});
const alive = setTimeout(() => undefined, 60_000);
process.stdout.write('listening\n');
