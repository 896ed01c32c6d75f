import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLineSocket } from '../base/line-socket.ts';
import { silentLog } from '../base/log.ts';
import { statePaths } from '../base/state-paths.ts';
import { cnmHoldings } from './cnm-holdings.ts';

test('what berth cnm has: nothing where it never ran, an error while it is stopped, else what it says', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-agent-'));
  const { cnmDatabase, cnmSocket: path } = statePaths(folder);
  try {
    assert.deepEqual(await cnmHoldings(folder), { networks: new Set(), endpoints: [] });
    writeFileSync(cnmDatabase, '');
    await assert.rejects(cnmHoldings(folder), /ENOENT/);
    const said: Record<string, object> = {
      'network-list': { answer: [{ id: 'a' }, { id: 'b' }] },
      'endpoint-list': { answer: [{ id: 'e', macAddress: '02:42:00:00:00:01' }] },
    };
    const answer = async (line: string) => ({ reply: said[JSON.parse(line).verb] ?? {} });
    const socket = await openLineSocket({ path, mostBytes: 1000, log: silentLog(), answer });
    assert.deepEqual(await cnmHoldings(folder), {
      networks: new Set(['a', 'b']),
      endpoints: [{ id: 'e', macAddress: '02:42:00:00:00:01' }],
    });
    said['endpoint-list'] = { error: { code: 'internal', message: 'broken' } };
    await assert.rejects(cnmHoldings(folder), /did not say.*endpoint-list/);
    await socket.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
