import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz, fuzzSettings } from '../../../test/fuzz/judge.ts';
import { createZunApi } from '../../../test/helpers/zun-api.ts';

test('requests at random: no internal error, nobody reads or changes what is not theirs, refusals change nothing', async () => {
  const api = await createZunApi(fuzzSettings);
  try {
    const seed = Math.floor(Math.random() * 1e9);
    const statuses = await fuzz(api, { count: 1_000, seed }).catch((error: Error) => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
    });
    // It reaches what it is to reach.
    for (const status of [200, 202, 400, 401, 403, 404, 406])
      assert.ok(statuses.has(status), `never ${status}`);
  } finally {
    await api.close();
  }
});
