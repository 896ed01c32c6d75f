/** Events published to Debian's own nats-server, which is killed, restarted, refuses, and stores them in a stream. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type Msg } from '@nats-io/transport-node';
import { loadConfig } from '../../src/base/config.ts';
import { silentLog } from '../../src/base/log.ts';
import { natsOutlet } from '../../src/control/nats/connect.ts';
import { EventPublisher } from '../../src/control/nats/publisher.ts';
import { updateContainer } from '../../src/store/container/containers.ts';
import { findEventCursor } from '../../src/store/container/event-cursors.ts';
import { eventBounds } from '../../src/store/container/events.ts';
import { selfSigned } from '../helpers/certificate.ts';
import { createWorld, type World } from '../helpers/container-world.ts';
import { NatsServer } from '../helpers/nats-server.ts';
import { until } from '../helpers/until.ts';

let world: World;
let container: string;
let publisher: EventPublisher | undefined;
/** How often a connection was asked for. */
let connected = 0;
beforeEach(async () => {
  connected = 0;
  world = await createWorld();
  container = (await world.make()).uuid;
});
afterEach(async () => {
  await publisher?.stop();
  await world.close();
});

const settings = (nats: object) => loadConfig({ env: {}, overrides: { events: { nats } } }).events.nats;

async function publish(nats: object): Promise<void> {
  const { db } = world;
  const given = settings(nats);
  const { subjectPrefix } = given;
  const connectTo = natsOutlet(given, 'instance');
  const open = () => {
    connected += 1;
    return connectTo();
  };
  publisher = new EventPublisher({ db, log: silentLog(), open, subjectPrefix, lookEveryMs: 5, retryMs: 5 });
  publisher.start();
  await until('it has begun', async () => (await findEventCursor(db, 'nats')) !== undefined);
}

async function rename(...names: string[]): Promise<void> {
  for (const name of names) await updateContainer(world.db, container, { name });
}

/** All that is published has been acknowledged. */
const settles = () =>
  until('all is noted', async () => {
    const { newest } = await eventBounds(world.db);
    return (await findEventCursor(world.db, 'nats')) === newest;
  });

async function listen(server: NatsServer, options: object = {}) {
  const connection = await connect({ servers: server.url, ...options });
  const heard: Msg[] = [];
  connection.subscribe('berth.>', {
    callback: (_error, message) => {
      heard.push(message);
    },
  });
  await connection.flush();
  return {
    connection,
    heard,
    names: () => heard.map((each) => each.json<{ container: { name: string } }>().container.name),
  };
}

test('a subscriber hears of each change under its project, container and kind', async () => {
  await using server = await NatsServer.start();
  const { connection, heard, names } = await listen(server);
  await publish({ servers: [server.url] });
  await rename('one', 'two', 'three');
  await until('it hears all', async () => heard.length === 3);
  assert.deepEqual(names(), ['one', 'two', 'three']);
  const [first] = heard;
  assert.equal(first?.subject, `berth.containers.project-a.${container}.changed`);
  assert.equal(first?.headers?.get('Nats-Msg-Id'), `instance-${first?.json<{ id: number }>().id}`);
  await connection.close();
});

test('a stream has every event once and in order, although the server was killed in the middle', async () => {
  await using server = await NatsServer.start();
  const admin = await connect({ servers: server.url });
  const manager = await jetstreamManager(admin);
  await manager.streams.add({ name: 'bills', subjects: ['berth.containers.>'] });
  await admin.close();
  await publish({ servers: [server.url], stream: 'bills' });
  const names = Array.from({ length: 300 }, (_, n) => `n${n}`);
  await rename(...names.slice(0, 100));
  await server.kill();
  await rename(...names.slice(100, 200));
  await server.run();
  await rename(...names.slice(200));
  await settles();
  const reader = await connect({ servers: server.url });
  const stored = await (await jetstreamManager(reader)).streams.get('bills');
  const { state } = await stored.info();
  const told: string[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1)
    told.push(
      (await stored.getMessage({ seq }))?.json<{ container: { name: string } }>().container.name ?? '',
    );
  assert.deepEqual(told, names);
  await reader.close();
});

test('what the server does not let through is not taken for published', async () => {
  const user = (publishes: string) => ({
    authorization: {
      users: [
        { user: 'berth', password: 'p w:@/', permissions: { publish: publishes } },
        { user: 'reader', password: 'reader' },
      ],
    },
  });
  await using server = await NatsServer.start(user('elsewhere'));
  const cursor = (await eventBounds(world.db)).newest;
  await publish({ servers: [`127.0.0.1:${server.port}`], user: 'berth', password: 'p w:@/' });
  await rename('one');
  const reader = { user: 'reader', pass: 'reader' };
  const first = await listen(server, reader);
  const before = connected;
  await until('it is tried twice', async () => connected >= before + 2);
  assert.equal(await findEventCursor(world.db, 'nats'), cursor);
  assert.equal(first.heard.length, 0);
  await first.connection.close();
  await server.kill();
  await server.run(user('berth.containers.>'));
  const { connection, names } = await listen(server, reader);
  await rename('two');
  await until('it is heard', async () => names().includes('two'));
  assert.deepEqual(names().slice(-1), ['two']);
  await settles();
  await connection.close();
});

test('a wrong log-in publishes nothing, a right one all that waited', async () => {
  await using server = await NatsServer.start({ authorization: { token: 'right' } });
  const cursor = (await eventBounds(world.db)).newest;
  await publish({ servers: [server.url], token: 'wrong' });
  await rename('one');
  const { connection, names } = await listen(server, { token: 'right' });
  await until('it is tried twice', async () => connected >= 3);
  assert.equal(await findEventCursor(world.db, 'nats'), cursor);
  await publisher?.stop();
  await publish({ servers: [server.url], token: 'right' });
  await until('it is heard', async () => names().includes('one'));
  await connection.close();
});

test('a stream that is not there, and settings that cannot be, are said', async () => {
  await using server = await NatsServer.start();
  const outlet = await natsOutlet(settings({ servers: [server.url], stream: 'none' }), 'i')();
  const publications = [{ subject: 'berth.containers.p.c.changed', id: '1', json: '{}' }];
  await assert.rejects(
    outlet.publish(publications),
    /^Error: stream none has not taken berth\.containers\.p\.c\.changed: /,
  );
  await outlet.close();
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ credentialsFile: '/none' }, /^Failure: setting events\.nats\.credentialsFile: ENOENT/],
    [{ user: 'u', token: 't' }, /^Failure: setting events\.nats\.user: one of/],
    [
      { servers: ['tls://127.0.0.1:1'] },
      /^Failure: setting events\.nats\.servers: 127\.0\.0\.1: a certificate is for a name/,
    ],
    [{ certFile: '/none' }, /^Failure: setting events\.nats\.keyFile: certFile needs it$/],
  ];
  for (const [more, message] of wrong)
    assert.throws(() => natsOutlet(settings({ servers: [server.url], ...more }), 'i'), message);
  for (const servers of [['nats://u:p@h:1'], ['http://h/x'], ['']])
    assert.throws(() => settings({ servers }), /setting events\.nats\.servers/);
});

test('TLS is spoken, and an authority that is not trusted is refused', async () => {
  await using plain = await NatsServer.start();
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(plain.folder, name)) as [string, string];
  const made = selfSigned('localhost');
  writeFileSync(cert, made.cert);
  writeFileSync(key, made.key);
  await using server = await NatsServer.start({ tls: { cert_file: cert, key_file: key } });
  const servers = [`tls://localhost:${server.port}`];
  await assert.rejects(natsOutlet(settings({ servers }), 'i')(), /self.signed certificate/);
  const outlet = await natsOutlet(settings({ servers, caFile: cert }), 'i')();
  await outlet.publish([{ subject: 'berth.containers.p.c.changed', id: '1', json: '{}' }]);
  await outlet.close();
  const silent = natsOutlet(settings({ servers: [`tls://localhost:${plain.port}`] }), 'i');
  await assert.rejects(silent(), 'a server without TLS is not spoken to');
});
