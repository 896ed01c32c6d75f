import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import type { ServiceRequest } from '../client/session.ts';
import { Failure, isFailure } from '../model/failure.ts';
import { checkExtensions } from './extensions.ts';
import { neutronService } from './network-service.ts';

type Answer = unknown | Failure;

/** A session that gives prepared answers and notes what was asked. */
function scripted(answers: readonly Answer[]) {
  const asked: string[] = [];
  const left = [...answers];
  return {
    asked,
    async request<T>(_: string, { method, path, query, body }: ServiceRequest): Promise<T> {
      asked.push(
        [method, path, query && JSON.stringify(query), body && JSON.stringify(body)]
          .filter(Boolean)
          .join(' '),
      );
      const answer = left.shift();
      if (answer instanceof Failure) throw answer;
      return answer as T;
    },
  };
}

const away = new Failure('unavailable', 'cannot reach it');
const waitsMs = [0, 0];

test('pages that the service cuts are put together again', async () => {
  const session = scripted([
    {
      ports: [{ id: '1' }],
      ports_links: [{ rel: 'next', href: 'http://n/v2.0/ports?marker=1&tags=a&x=1&x=2' }],
    },
    { ports: [{ id: '2' }] },
  ]);
  const ports = await neutronService({ session, host: 'h' }).list('ports', { tags: 'a' });
  assert.deepEqual(
    ports.map(({ id }) => id),
    ['1', '2'],
  );
  assert.equal(session.asked[1], 'GET /ports {"marker":["1"],"tags":["a"],"x":["1","2"]}');
});

test('looking, changing and deleting are repeated, making is not', async () => {
  for (const [work, count] of [
    [(service: ReturnType<typeof neutronService>) => service.list('networks', {}), 3],
    [(service: ReturnType<typeof neutronService>) => service.update('ports', 'p', { name: 'x' }), 3],
    [(service: ReturnType<typeof neutronService>) => service.remove('ports', 'p'), 3],
    [(service: ReturnType<typeof neutronService>) => service.addTag('ports', 'p', 't'), 3],
    [(service: ReturnType<typeof neutronService>) => service.create('ports', {}), 1],
  ] as const) {
    const session = scripted([away, away, away, away]);
    await assert.rejects(Promise.resolve(work(neutronService({ session, host: 'h', waitsMs }))), away);
    assert.equal(session.asked.length, count);
  }
});

test('what the service refuses is not asked again; what is gone is removed', async () => {
  const refused = scripted([new Failure('conflict', 'no')]);
  await assert.rejects(neutronService({ session: refused, host: 'h', waitsMs }).list('ports', {}), /no/);
  assert.equal(refused.asked.length, 1);
  const gone = scripted([new Failure('port-not-found', 'gone'), new Failure('resource-not-found', 'gone')]);
  const service = neutronService({ session: gone, host: 'h', waitsMs });
  await service.remove('ports', 'p');
  await service.removeTag('ports', 'p', 'a b:c');
  assert.deepEqual(gone.asked, ['DELETE /ports/p', 'DELETE /ports/p/tags/a%20b%3Ac']);
});

test('a port is bound to this host when it is made or taken into use, and only then', async () => {
  const session = scripted(Array.from({ length: 5 }, () => ({ port: { id: 'p' } })));
  const service = neutronService({ session, host: 'h' });
  await service.create('ports', { network_id: 'n' });
  await service.update('ports', 'p', { device_id: 'e' });
  await service.update('ports', 'p', { fixed_ips: [] });
  await service.update('ports', 'p', { device_id: '', 'binding:host_id': '' });
  assert.deepEqual(session.asked, [
    'POST /ports {"port":{"binding:host_id":"h","network_id":"n"}}',
    'PUT /ports/p {"port":{"binding:host_id":"h","device_id":"e"}}',
    'PUT /ports/p {"port":{"fixed_ips":[]}}',
    'PUT /ports/p {"port":{"device_id":"","binding:host_id":""}}',
  ]);
});

test('a Neutron that just starts is waited for; one without what is needed is refused by name', async () => {
  const aliases = ['subnet_allocation', 'standard-attr-tag', 'binding'];
  const all = { extensions: aliases.map((alias) => ({ alias })) };
  const slow = scripted([away, away, all]);
  await checkExtensions(slow, silentLog(), { waitsMs });
  assert.equal(slow.asked.length, 3);
  const old = scripted([{ extensions: all.extensions.slice(0, 1) }]);
  await assert.rejects(
    checkExtensions(old, silentLog(), { waitsMs }),
    (error) => isFailure(error, 'not-implemented') && /tags .*standard-attr-tag.*binding/.test(error.message),
  );
  await assert.rejects(checkExtensions(scripted([away, away, away]), silentLog(), { waitsMs }), away);
});
