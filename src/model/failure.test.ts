import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failureCodes } from './failure.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');
const paragraphs = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [, code = '', text = ''] = /^`([^`]+)`\n([\s\S]*)$/.exec(section) ?? [];
      return [code, text.replace(/^## .*/m, '').trim()] as const;
    }),
);

test('every error code has a paragraph in docs/errors.md, and every paragraph a code', () => {
  const described = [...paragraphs].filter(([, text]) => text !== '').map(([code]) => code);
  assert.deepEqual(described.sort(), Object.keys(failureCodes).sort());
});
