/**
 * Bundles the command line to dist/berth.mjs: one file, because loading a hundred small ones takes longer than most
 * commands. Then fills the compile cache that `./berth` uses with the server's modules, so that its first start is as
 * quick as any other, and as small: with nothing left to compile, Node never loads its TypeScript parser.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const cache = join(root, 'dist/cache');

rmSync(cache, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['bin/berth.ts'],
  outfile: 'dist/berth.mjs',
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Some libraries are CommonJS and ask for Node's own modules by `require`.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

// Loading is enough: the one prints its usage, the other refuses to run outside of a worker thread.
for (const [file, ...args] of [['bin/berthd.ts', '--help'], ['src/host/linux-worker.ts']] as const) {
  spawnSync(process.execPath, [join(root, file), ...args], {
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
    stdio: 'ignore',
  });
}
