/** Bundles the command line to dist/berth.mjs: one file, because loading a hundred small ones takes longer than most commands. */
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');

rmSync(join(root, 'dist/cache'), { recursive: true, force: true });
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
