import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createWorld, type World } from '../../../test/helpers/container-world.ts';
import {
  countConsoleTokens,
  forgetExpiredConsoleTokens,
  insertConsoleToken,
  takeConsoleToken,
} from './console-tokens.ts';

let world: World;
let containerUuid: string;
before(async () => {
  world = await createWorld();
  containerUuid = (await world.make()).uuid;
});
after(() => world.close());

const [early, late] = ['2030-01-01T00:00:00.000Z', '2030-01-01T00:01:00.000Z'];
const insert = (hash: string, expiresAt: string) =>
  insertConsoleToken(world.db, {
    hash,
    containerUuid,
    execId: null,
    projectId: 'p',
    userId: 'u',
    standing: null,
    expiresAt,
  });

test('a token is taken once, before its time is over; what is over is swept', async () => {
  await insert('a', late);
  await insert('b', early);
  assert.equal(await countConsoleTokens(world.db, containerUuid, early), 1);
  const take = (hash: string, now: string) =>
    takeConsoleToken(world.db, { hash, containerUuid, execId: null, now });
  assert.equal(await take('a', late), undefined);
  assert.equal(await take('b', early), undefined);
  assert.equal((await take('a', early))?.userId, 'u');
  assert.equal(await take('a', early), undefined);
  await insert('c', late);
  await forgetExpiredConsoleTokens(world.db, early);
  const left = await world.db.selectFrom('console_tokens').select('hash').execute();
  assert.deepEqual(left, [{ hash: 'c' }]);
});
