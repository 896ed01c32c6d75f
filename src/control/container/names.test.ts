import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainSpec } from '../../model/container.fixture.ts';
import { dnsNameOf } from './names.ts';

test('a container is resolved by its host name, else by its name as a label', () => {
  const cases: readonly (readonly [name: string, hostname: string | null, dnsName: string])[] = [
    ['web', null, 'web'],
    ['Zeta-22_Container.', null, 'zeta-22-container'],
    ['web.1', null, 'web-1'],
    ['web', 'DB', 'db'],
    ['web', 'db.example.org', 'db'],
    ['web', '...', ''],
    ['12', null, ''],
    ['_-', null, ''],
    ['x'.repeat(255), null, 'x'.repeat(63)],
  ];
  for (const [name, hostname, dnsName] of cases) {
    assert.equal(dnsNameOf({ name, spec: { ...plainSpec, hostname } }), dnsName, `${name} ${hostname}`);
  }
});
