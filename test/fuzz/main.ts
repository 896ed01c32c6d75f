/** `npm run fuzz -- --requests N --seed S`: many requests at random; the seed says them again. */
import { parseArgs } from 'node:util';
import { createZunApi } from '../helpers/zun-api.ts';
import { fuzz, fuzzSettings } from './judge.ts';

const tellEvery = 10_000;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
});
const [count, seed] = [Number(values.requests), Number(values.seed)];
process.stdout.write(`${count} requests from seed ${seed}\n`);
const api = await createZunApi(fuzzSettings);
const began = performance.now();
let told = 0;
const statuses = await fuzz(api, {
  count,
  seed,
  tell: (done) => {
    if (done - told < tellEvery) return;
    told = done;
    process.stdout.write(`${done} (${Math.round((done / (performance.now() - began)) * 1000)}/s)\n`);
  },
});
const rows = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`);
process.stdout.write(`no answer was wrong. ${rows.join(', ')}\n`);
await api.close();
