import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '../model/failure.ts';
import { argumentFailure, pullFailure, Refusal, toFailure } from './failures.ts';

test('reasons of a failed pull, for people', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
      'image-pull-failed',
      /no registry answers at docker\.io; with pull policy ifnotpresent/,
    ],
    [
      'pull access denied for x, repository does not exist or may require docker login: denied',
      'image-not-found',
      /docker\.io has no such image, or asks for a log-in/,
    ],
    ['manifest for x:1 not found: manifest unknown', 'image-not-found', /docker\.io has no such image/],
    [
      'write /var/lib/docker/tmp/GetImageBlob1: no space left on device',
      'image-pull-failed',
      /the disk of the container's host is full$/,
    ],
    ['toomanyrequests: slow down', 'image-pull-failed', /slow down/],
  ];
  for (const [message, code, words] of cases) {
    const failure = pullFailure('x:1', message);
    assert.equal(failure.code, code);
    assert.match(failure.message, /^image "x:1" cannot be pulled: /);
    assert.match(failure.message, words);
  }
});

test('no answer is told from a refusal', () => {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  assert.equal(toFailure('x', '/s', refused).code, 'docker-unavailable');
  const failure = toFailure('x', '/s', new Refusal(500, 'disk on fire\n'));
  assert.deepEqual([failure.code, failure.message], ['docker-error', 'disk on fire']);
  const leaving = new Refusal(500, 'transport is closing: unavailable');
  assert.equal(toFailure('x', '/s', leaving).code, 'docker-unavailable');
});

test('a full disk is said without the paths of the host', () => {
  const error = new Refusal(500, 'write /var/lib/docker/overlay2/a/link: no space left on device');
  const failure = toFailure('create', '/s', error);
  assert.deepEqual(
    [failure.code, failure.message],
    ['docker-error', "The disk of the container's host is full."],
  );
});

test('arguments that ps does not understand are the caller’s', () => {
  const said = (message: string) => toFailure('top', '/s', new Refusal(500, message));
  const refused = argumentFailure('--bad', said('ps: error: unknown gnu long option')) as Failure;
  assert.deepEqual(
    [refused.code, refused.message],
    ['invalid-value', "ps_args '--bad': ps: error: unknown gnu long option"],
  );
  const own = said('disk on fire');
  assert.equal(argumentFailure('--bad', own), own);
});
