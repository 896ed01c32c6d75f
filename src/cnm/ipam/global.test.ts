import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isFailure } from '../../model/failure.ts';
import { FolderDirectory } from '../peers/folder.ts';
import { DefaultIpam } from './default.ts';

async function withHosts(
  work: (ipams: readonly [DefaultIpam, DefaultIpam], folder: string) => Promise<void>,
) {
  const folder = mkdtempSync(join(tmpdir(), 'berth-ipam-'));
  const open = (address: string) =>
    new DefaultIpam({ global: { directory: new FolderDirectory({ folder }), host: async () => address } });
  try {
    await work([open('192.0.2.1'), open('192.0.2.2')], folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const pool = { version: 4, scope: 'global', cidr: '10.1.0.0/24', subPool: '', options: {} } as const;
const ask = (poolId: string, purpose: 'gateway' | 'endpoint' = 'endpoint', address = '') => ({
  poolId,
  address,
  purpose,
  options: {},
});

test('hosts have the gateway in common and every other address alone, asked for at once or not', () =>
  withHosts(async ([a, b], folder) => {
    const { id } = await a.requestPool(pool);
    await b.requestPool(pool);
    assert.equal(await a.requestAddress(ask(id, 'gateway')), '10.1.0.1/24');
    assert.equal(await b.requestAddress(ask(id, 'gateway')), '10.1.0.1/24');
    const given = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? a : b).requestAddress(ask(id))),
    );
    assert.equal(new Set(given).size, 20);
    const own = await a.requestAddress(ask(id, 'endpoint', '10.1.0.77'));
    await assert.rejects(b.requestAddress(ask(id, 'endpoint', own)), (error) =>
      isFailure(error, 'ip-address-in-use'),
    );
    await b.releaseAddress(id, own);
    await assert.rejects(b.requestAddress(ask(id, 'endpoint', own)), 'not its own to release');
    await a.releaseAddress(id, own);
    assert.equal(await b.requestAddress(ask(id, 'endpoint', own)), own);
    for (const address of [...given, own, '10.1.0.1/24']) {
      await a.releaseAddress(id, address);
      await b.releaseAddress(id, address);
    }
    assert.deepEqual(readdirSync(folder), []);
  }));

test('a restart finds its own addresses held by itself; automatic pools keep away from those of others', () =>
  withHosts(async ([a, b], folder) => {
    const { id, cidr } = await a.requestPool({ ...pool, cidr: '' });
    const address = await a.requestAddress(ask(id));
    assert.notEqual((await b.requestPool({ ...pool, cidr: '' })).cidr, cidr);
    const again = new DefaultIpam({
      global: { directory: new FolderDirectory({ folder }), host: async () => '192.0.2.1' },
    });
    await again.requestPool({ ...pool, cidr });
    assert.equal(await again.requestAddress(ask(id, 'endpoint', address)), address);
  }));
