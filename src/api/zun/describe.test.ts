import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createWorld } from '../../../test/helpers/container-world.ts';
import { describeEndpoints } from './describe.ts';
import { zunEndpoints } from './endpoints.ts';

const page = join(import.meta.dirname, '../../../docs/guide/container-api.md');

test('docs/guide/container-api.md says what the server does (UPDATE_DOCS=1 writes it)', async () => {
  const world = await createWorld();
  try {
    const text = describeEndpoints(zunEndpoints(world.control));
    if (process.env.UPDATE_DOCS) writeFileSync(page, text);
    assert.equal(readFileSync(page, 'utf8'), text);
  } finally {
    await world.close();
  }
});
