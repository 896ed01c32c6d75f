import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withCloud } from '../../../test/helpers/command-line.ts';

const url = 'https://bills.example/berth';

test('a webhook is made, with a secret that is shown once', async () => {
  await using world = await withCloud();
  const made = await world.berth(
    ...['webhook', 'create', url, '--name', 'bills', '--event', 'created', '--event', 'container.deleted'],
    ...['--after', '0', '-f', 'json'],
  );
  assert.equal(made.code, 0, made.stderr);
  assert.equal(JSON.parse(made.stdout).secret, 'made-by-the-cloud');
  const [hook] = world.fake.webhooks.all;
  assert.deepEqual(
    [hook?.url, hook?.name, hook?.events, hook?.after],
    [url, 'bills', ['container.created', 'container.deleted'], 0],
  );
  const shown = await world.berth('webhook', 'show', 'bills', '-f', 'value', '-c', 'secret');
  assert.equal(shown.stdout, '***\n');
});

test('a secret of one’s own comes from a file', async () => {
  await using world = await withCloud();
  writeFileSync(join(world.home, 'secret.txt'), 'a-secret-of-mine-1\n');
  const made = await world.berth('webhook', 'create', url, '--secret-file', 'secret.txt', '--all-projects');
  assert.equal(made.code, 0, made.stderr);
  assert.ok(!made.stdout.includes('a-secret'));
  const [hook] = world.fake.webhooks.all;
  assert.deepEqual([hook?.secret, hook?.all_projects], ['a-secret-of-mine-1', true]);
  const missing = await world.berth('webhook', 'create', url, '--secret-file', 'nothing.txt');
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /--secret-file: cannot read .*nothing\.txt: ENOENT/);
});

test('the list says what is wrong', async () => {
  await using world = await withCloud();
  await world.berth('webhook', 'create', url, '--name', 'bills');
  const list = await world.berth('webhook', 'list', '-f', 'csv');
  assert.equal(
    list.stdout,
    `UUID,NAME,URL,EVENTS,ENABLED,TOLD,TROUBLE\nhook-0,bills,${url},"created, changed, deleted",true,7,answered 500\n`,
  );
  await world.berth('webhook', 'list', '--all-projects');
  assert.ok(world.fake.requests.includes('GET /v1/webhooks?all_projects=true'));
});

test('a webhook is changed, tried and deleted', async () => {
  await using world = await withCloud();
  await world.berth('webhook', 'create', url, '--name', 'bills');
  const renewed = await world.berth('webhook', 'set', 'bills', '--new-secret', '-f', 'value', '-c', 'secret');
  assert.equal(renewed.stdout, 'made-anew\n');
  await world.berth('webhook', 'set', 'bills', '--disable', '--url', 'https://broken.example/');
  const [hook] = world.fake.webhooks.all;
  assert.deepEqual([hook?.enabled, hook?.url], [false, 'https://broken.example/']);
  await world.berth('webhook', 'set', 'bills', '--enable');
  assert.equal(world.fake.webhooks.all[0]?.enabled, true);
  const failed = await world.berth('webhook', 'test', 'bills', '-f', 'json');
  assert.deepEqual([failed.code, JSON.parse(failed.stdout).reason], [1, 'answered 500']);
  await world.berth('webhook', 'set', 'bills', '--url', url);
  assert.equal((await world.berth('webhook', 'test', 'bills')).code, 0);
  const gone = await world.berth('webhook', 'delete', 'bills', 'other');
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /bills: deleted/);
  assert.match(gone.stderr, /Webhook other could not be found/);
  assert.equal(world.fake.webhooks.all.length, 0);
});

const mistakes: readonly (readonly [readonly string[], RegExp])[] = [
  [['create', url, '--event', 'exploded'], /--event exploded: expected created, changed, deleted/],
  [['create'], /missing required argument/],
  [['set', 'bills'], /nothing to change: give --url/],
  [['set', 'bills', '--enable', '--disable'], /either --enable or --disable/],
  [['set', 'bills', '--new-secret', '--secret-file', 'x'], /either --secret-file or --new-secret/],
  [['set', 'bills', '--after', 'x'], /Expected a whole number/],
];
for (const [words, message] of mistakes) {
  test(`berth webhook ${words.join(' ')} is a usage error`, async () => {
    await using world = await withCloud();
    const { code, stderr } = await world.berth('webhook', ...words);
    assert.equal(code, 2);
    assert.match(stderr, message);
    assert.deepEqual(world.fake.requests, []);
  });
}
