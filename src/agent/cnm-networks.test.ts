import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLineSocket } from '../base/line-socket.ts';
import { silentLog } from '../base/log.ts';
import { statePaths } from '../base/state-paths.ts';
import { listCnmNetworks } from './cnm-networks.ts';

test('networks of berth cnm: none where it never ran, an error while it is stopped, else what it says', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-agent-'));
  const { cnmDatabase, cnmSocket: path } = statePaths(folder);
  try {
    assert.deepEqual(await listCnmNetworks(folder), []);
    writeFileSync(cnmDatabase, '');
    await assert.rejects(listCnmNetworks(folder), /ENOENT/);
    let reply: object = { answer: [{ id: 'a' }, { id: 'b' }] };
    const asked: string[] = [];
    const answer = async (line: string) => {
      asked.push(line);
      return { reply };
    };
    const socket = await openLineSocket({ path, mostBytes: 1000, log: silentLog(), answer });
    assert.deepEqual(await listCnmNetworks(folder), ['a', 'b']);
    assert.deepEqual(JSON.parse(asked[0] ?? ''), { verb: 'network-list', ask: {} });
    reply = { error: { code: 'internal', message: 'broken' } };
    await assert.rejects(listCnmNetworks(folder), /did not say/);
    await socket.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
