/**
 * Bundles the command line and the CNI plugin to dist/, because loading a hundred small files takes longer than most
 * commands. What only some commands need stays apart in dist/chunks, so that the others do not read it. Then fills the
 * compile cache that `./berth` uses with the server's modules, so that its first start is as quick as any other, and as
 * small: with nothing left to compile, Node never loads its TypeScript parser.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const cache = join(root, 'dist/cache');

rmSync(cache, { recursive: true, force: true });
const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  // Error messages and `--debug` name functions.
  keepNames: true,
  platform: 'node',
  target: 'node24',
  logLevel: 'warning',
} as const;
// One small file, and no module loader of Node's: that alone is a third of what a call takes.
await build({ ...common, entryPoints: ['bin/berth-cni.ts'], format: 'cjs', outfile: 'dist/berth-cni.cjs' });
const { metafile } = await build({
  ...common,
  entryPoints: ['bin/berth.ts'],
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  splitting: true,
  metafile: true,
  format: 'esm',
  // Some libraries are CommonJS and ask for Node's own modules by `require`.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
});

// Names of chunks change with their content: those of earlier builds are in the way.
for (const name of readdirSync(join(root, 'dist/chunks'))) {
  if (!(`dist/chunks/${name}` in metafile.outputs)) rmSync(join(root, 'dist/chunks', name));
}

// Loading is enough: the one prints its usage, the other refuses to run outside of a worker thread.
for (const [file, ...args] of [['bin/berthd.ts', '--help'], ['src/host/linux-worker.ts']] as const) {
  spawnSync(process.execPath, [join(root, file), ...args], {
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
    stdio: 'ignore',
  });
}
