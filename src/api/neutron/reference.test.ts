import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { networkApiReference } from './reference.ts';

const page = join(import.meta.dirname, '../../../docs/guide/network-api.md');

test('docs/guide/network-api.md is what the tables say', () => {
  assert.equal(
    readFileSync(page, 'utf8'),
    networkApiReference(),
    'the tables changed: write the page anew from networkApiReference()',
  );
});
