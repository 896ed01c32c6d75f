import assert from 'node:assert/strict';
import { test } from 'node:test';
import { supportsDiskQuota } from './host-facts.ts';

test('a container can be given a size where the storage driver can', () => {
  const root = { rootDir: '/var/lib/docker' };
  const overlay = { ...root, storageDriver: 'overlay2', backingFilesystem: 'xfs' };
  const mounts = (options: string) =>
    `/dev/a / ext4 rw 0 0\n/dev/b /var/lib xfs rw,${options} 0 0\n/dev/c /var/lib/dock xfs rw 0 0\n`;
  assert.equal(supportsDiskQuota({ ...root, storageDriver: 'btrfs', backingFilesystem: '' }, ''), true);
  assert.equal(supportsDiskQuota(overlay, mounts('prjquota')), true);
  assert.equal(supportsDiskQuota(overlay, mounts('noquota')), false);
  assert.equal(supportsDiskQuota({ ...overlay, backingFilesystem: 'extfs' }, mounts('prjquota')), false);
});
