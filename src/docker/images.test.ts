import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure, isFailure } from '../model/failure.ts';
import { searchImages } from './images.ts';
import type { EngineSocket } from './socket.ts';

const answering = (request: () => Promise<unknown>) => ({ request }) as unknown as EngineSocket;

test('images that are found, in our words', async () => {
  const found = { name: 'nginx', description: 'web', is_official: true, is_automated: false, star_count: 9 };
  const expected = { name: 'nginx', description: 'web', isOfficial: true, isAutomated: false, stars: 9 };
  assert.deepEqual(
    await searchImages(
      answering(async () => [found]),
      'nginx',
    ),
    [expected],
  );
  assert.deepEqual(
    await searchImages(
      answering(async () => null),
      'nothing',
    ),
    [],
  );
});

test('a registry out of reach is said, and may be asked again; other trouble stays what it is', async () => {
  const failing = (code: 'docker-error' | 'docker-unavailable') =>
    searchImages(
      answering(async () => {
        throw new Failure(code, 'dial tcp: lookup index.docker.io: no such host');
      }),
      'nginx',
    );
  await assert.rejects(failing('docker-error'), (error) => {
    assert.ok(isFailure(error, 'unavailable'));
    assert.equal(
      error.message,
      'Images cannot be searched for: the registry that is searched does not answer.',
    );
    return true;
  });
  await assert.rejects(failing('docker-unavailable'), (error) => isFailure(error, 'docker-unavailable'));
});
