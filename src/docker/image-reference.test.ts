import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFailure } from '../model/failure.ts';
import { formatImageReference, parseImageReference } from './image-reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test('references are taken apart, the tag spelled out', () => {
  const cases: readonly (readonly [string, string | undefined, string])[] = [
    ['busybox', undefined, 'busybox:latest'],
    ['library/busybox:1.36', undefined, 'library/busybox:1.36'],
    ['localhost/x', 'localhost', 'localhost/x:latest'],
    ['registry.example:5000/team/app_x:V1', 'registry.example:5000', 'registry.example:5000/team/app_x:V1'],
    [`app@${digest}`, undefined, `app@${digest}`],
    [`app:1@${digest}`, undefined, `app:1@${digest}`],
  ];
  for (const [text, registry, whole] of cases) {
    const parsed = parseImageReference(text);
    assert.equal(parsed.registry, registry, text);
    assert.equal(formatImageReference(parsed), whole);
  }
});

test('what is not a reference is refused by name', () => {
  const bad = [
    '',
    'UPPER',
    'Team/app',
    '../containers/x',
    'a b',
    'a?x=1',
    'a:',
    ':x',
    'a@sha256:1',
    'a//b',
    `${'a/'.repeat(300)}a`,
  ];
  for (const text of bad) {
    assert.throws(
      () => parseImageReference(text),
      (error: unknown) => isFailure(error, 'image-not-found') && error.message.includes(JSON.stringify(text)),
    );
  }
});
