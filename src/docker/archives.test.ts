import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '../model/failure.ts';
import { pathFailure } from './archives.ts';
import { Refusal, toFailure } from './failures.ts';

const said = (message: string, status = 500) => toFailure('put', '/s', new Refusal(status, message));

test('an archive that does not fit the files of the container is the caller’s mistake', () => {
  const untar = 'Error processing tar file(exit status 1): ';
  const cases: readonly (readonly [string, string])[] = [
    [
      `${untar}open /bin/sh/x: not a directory`,
      'the archive does not fit what is there: open /bin/sh/x: not a directory',
    ],
    [
      `${untar}link /tmp/none /tmp/l: no such file or directory`,
      'the archive does not fit what is there: link /tmp/none /tmp/l: no such file or directory',
    ],
    [
      `${untar}open /tmp/nn: file name too long`,
      'the archive does not fit what is there: open /tmp/nn: file name too long',
    ],
    ['container rootfs is marked read-only', 'the container was created with read_only'],
    ['extraction point is not a directory', 'extraction point is not a directory'],
  ];
  for (const [message, words] of cases) {
    const { code, message: text } = pathFailure('/tmp', said(message)) as Failure;
    assert.deepEqual([code, text], ['invalid-value', `path "/tmp": ${words}`]);
  }
});

test('what is wrong with the host is not', () => {
  for (const message of [
    'disk on fire',
    'Error processing tar file(exit status 1): read /x: input/output error',
    'Error processing tar file(exit status 1): write /x: no space left on device',
  ]) {
    const own = said(message);
    assert.equal(pathFailure('/tmp', own), own);
  }
});
