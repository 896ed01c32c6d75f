import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../../test/helpers/until.ts';
import { FolderDirectory } from './folder.ts';

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-peers-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const claim = { pool: '10.0.0.0/24', address: '10.0.0.5', host: '192.0.2.1', peer: null };
const peer = { networkId: 'n', endpointId: 'e', macAddress: '02:42:0a:00:00:05' };

test('an address is one host’s, who may say more of it, until it releases it', () =>
  withFolder(async (folder) => {
    const [here, there] = [new FolderDirectory({ folder }), new FolderDirectory({ folder })];
    const other = { ...claim, host: '192.0.2.2' };
    const all = await Promise.all([here.claim(claim), there.claim(other)]);
    assert.deepEqual(all, [true, false]);
    assert.ok(await here.claim({ ...claim, peer }));
    assert.deepEqual(await there.list(), [{ ...claim, peer }]);
    await there.release(other);
    assert.equal((await there.list()).length, 1, 'not its own');
    await here.release(claim);
    await here.release(claim);
    assert.ok(await there.claim(other));
    assert.deepEqual(await here.list(), [other]);
    assert.equal(readdirSync(folder).length, 1, 'no draft is left');
  }));

test('IPv6 addresses and several pools have files of their own; what is no claim is passed over', () =>
  withFolder(async (folder) => {
    const directory = new FolderDirectory({ folder });
    const six = { ...claim, pool: 'fd00::/64', address: 'fd00::5' };
    assert.ok((await directory.claim(claim)) && (await directory.claim(six)));
    writeFileSync(join(folder, 'notes'), 'half a {');
    assert.deepEqual(await directory.list(), [claim, six]);
  }));

test('changes of others are told, by the file system or by looking again', () =>
  withFolder(async (folder) => {
    const directory = new FolderDirectory({ folder, rescanMs: 10 });
    let told = 0;
    const end = directory.watch(() => {
      told += 1;
    });
    await until('it looks again', async () => told > 0);
    end();
    const slow = new FolderDirectory({ folder, rescanMs: 3_600_000 });
    let seen = 0;
    const endSlow = slow.watch(() => {
      seen += 1;
    });
    await new FolderDirectory({ folder }).claim(claim);
    await until('the change is told', async () => seen > 0);
    endSlow();
  }));
