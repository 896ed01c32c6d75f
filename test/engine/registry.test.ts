/** Pulls from a registry that asks for a log-in, with Docker as it is. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Docker from 'dockerode';
import { connectEngine } from '../../src/docker/connect.ts';
import type { PullProgress } from '../../src/docker/engine.ts';
import { isFailure } from '../../src/model/failure.ts';
import { importBusybox, removeImage } from '../helpers/busybox-image.ts';
import { registryLogIn, TestRegistry } from '../helpers/registry.ts';

const engine = connectEngine({ dockerHost: '' });
const local = `berth-test-registry-${process.pid}:1`;
let registry: TestRegistry;
let image: string;

before(async () => {
  registry = await TestRegistry.start();
  await importBusybox(local);
  const docker = new Docker();
  const repo = `${registry.domain}/team/app`;
  await docker.getImage(local).tag({ repo, tag: '1' });
  image = `${repo}:1`;
  const pushed = await docker
    .getImage(image)
    .push({ authconfig: { ...registryLogIn, serveraddress: registry.domain } });
  for await (const line of pushed as AsyncIterable<Buffer>) {
    if (line.includes('"error"')) throw new Error(line.toString());
  }
  // Nothing of it is left, so that its layers have to be pulled.
  await engine.removeImage(image);
  await removeImage(local);
});
after(async () => {
  await engine.removeImage(image);
  engine.close();
  await registry.stop();
});

test('without the log-in, or with a wrong one, the image cannot be had', async () => {
  for (const options of [{}, { logIn: { ...registryLogIn, password: 'wrong' } }]) {
    await assert.rejects(engine.pullImage(image, options), (error) => {
      assert.ok(isFailure(error, 'image-not-found'), String(error));
      assert.match(error.message, /asks for a log-in/);
      assert.ok(!error.message.includes('wrong'));
      return true;
    });
  }
  assert.equal(await engine.findImage(image), undefined);
});

test('with it the image is pulled, with progress, and found; removing it twice is no error', async () => {
  const seen: PullProgress[] = [];
  await engine.pullImage(image, { logIn: registryLogIn, onProgress: (progress) => seen.push(progress) });
  assert.match((await engine.findImage(image))?.id ?? '', /^sha256:/);
  assert.deepEqual([seen.at(-1)?.layers, seen.at(-1)?.layersDone], [1, 1]);
  const id = await engine.createContainer(`berth-test-registry-${process.pid}`, {
    Image: image,
    Env: [],
    Labels: {},
    Tty: false,
    OpenStdin: false,
    HostConfig: { NetworkMode: 'none', Privileged: false, AutoRemove: false },
  });
  try {
    await assert.rejects(engine.removeImage(image), (error) => isFailure(error, 'conflict'));
  } finally {
    await engine.removeContainer(id);
  }
  await engine.removeImage(image);
  await engine.removeImage(image);
});

test('a registry is tried: it takes the log-in, refuses a wrong one, or does not answer', async () => {
  assert.equal(await engine.testRegistry(registry.domain, registryLogIn), null);
  const wrong = await engine.testRegistry(registry.domain, { ...registryLogIn, password: 'wrong' });
  assert.equal(wrong, `${registry.domain} answers, and refuses the log-in`);
  assert.equal(
    await engine.testRegistry(registry.domain),
    `${registry.domain} answers, and asks for a log-in`,
  );
  assert.equal(await engine.testRegistry('127.0.0.1:1'), 'no registry answers at 127.0.0.1:1');
});
