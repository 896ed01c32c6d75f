/** Peer directories: one contract for a folder, a PostgreSQL and a NATS server, the last two killed and back again. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createLog, silentLog } from '../../../src/base/log.ts';
import type { Claim, PeerDirectory } from '../../../src/cnm/peers/directory.ts';
import { openDirectory } from '../../../src/cnm/peers/open.ts';
import { isFailure } from '../../../src/model/failure.ts';
import { CnmCli } from '../../helpers/cnm-cli.ts';
import { NatsServer } from '../../helpers/nats-server.ts';
import { PostgresServer } from '../../helpers/postgres-server.ts';
import { enterPrivateNetwork } from '../../helpers/private-network.ts';
import { until } from '../../helpers/until.ts';

enterPrivateNetwork();

interface Place extends AsyncDisposable {
  readonly peers: string;
  readonly password?: string;
  kill?(): Promise<void>;
  run?(): Promise<void>;
}

async function folder(): Promise<Place> {
  const path = mkdtempSync(join(tmpdir(), 'berth-peers-'));
  return { peers: path, [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true }) };
}

async function postgres(): Promise<Place> {
  const server = await PostgresServer.start();
  return {
    peers: server.url,
    password: server.password,
    kill: () => server.kill(),
    run: () => server.run(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function nats(): Promise<Place> {
  const password = 'not for the log';
  const server = await NatsServer.start({ authorization: { user: 'berth', password } });
  return {
    peers: server.url.replace('//', '//berth@'),
    password,
    kill: () => server.kill(),
    run: () => server.run(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const pool = '10.0.0.0/24';
const claim = (last: number, host: string, more: Partial<Claim> = {}): Claim => ({
  pool,
  address: `10.0.0.${last}`,
  host,
  peer: null,
  ...more,
});
const [here, there] = ['192.0.2.1', '192.0.2.2'];
const peer = { networkId: 'n', endpointId: 'e', macAddress: '02:42:0a:00:00:05' };

for (const [name, start] of Object.entries({ folder, postgres, nats })) {
  describe(name, () => {
    let place: Place;
    let a: PeerDirectory;
    let b: PeerDirectory;
    const open = ({ peers, password }: Place) => openDirectory({ peers, password, log: silentLog() });

    before(async () => {
      place = await start();
      [a, b] = [await open(place), await open(place)];
    });
    after(async () => {
      await a?.close();
      await b?.close();
      await place?.[Symbol.asyncDispose]();
    });
    const clear = async () => {
      for (const one of await a.list()) await a.release(one);
      assert.deepEqual(await b.list(), []);
    };

    test('an address is one host’s, who may say more of it, until it releases it', async () => {
      const both = await Promise.all([a.claim(claim(5, here)), b.claim(claim(5, there))]);
      assert.equal(both.filter(Boolean).length, 1);
      const [owner, other] = both[0] ? [here, there] : [there, here];
      assert.ok(await b.claim(claim(5, owner, { peer })));
      assert.deepEqual(await a.list(), [claim(5, owner, { peer })]);
      await b.release(claim(5, other));
      assert.equal((await a.list()).length, 1, 'not its own');
      await a.release(claim(5, owner));
      await a.release(claim(5, owner));
      assert.ok(await b.claim(claim(5, other)), 'free again');
      assert.deepEqual(await a.list(), [claim(5, other)]);
      await clear();
    });

    test('of many claims at once each address is given once; IPv6 and other pools are apart', async () => {
      const hosts = Array.from({ length: 8 }, (_, index) => `192.0.2.${index + 10}`);
      const claims = hosts.flatMap((host) => [1, 2, 3].map((last) => claim(last, host)));
      const won = await Promise.all(claims.map((one, at) => (at % 2 ? a : b).claim(one)));
      assert.equal(won.filter(Boolean).length, 3);
      const six = { ...claim(0, here), pool: 'fd00::/64', address: 'fd00::5' };
      assert.ok(await a.claim(six));
      assert.ok(await a.claim({ ...claim(1, here), pool: '10.0.0.0/16' }));
      assert.equal((await b.list()).length, 5);
      assert.ok((await b.list()).some(({ address }) => address === 'fd00::5'));
      await clear();
    });

    test('changes of others are told', async () => {
      let told = 0;
      const end = b.watch(() => {
        told += 1;
      });
      const tells = async (what: string, work: () => Promise<unknown>) => {
        const before = told;
        await work();
        await until(`${what} is told`, async () => told > before);
      };
      await tells('that it listens', async () => undefined);
      await tells('a claim', () => a.claim(claim(7, here)));
      await tells('more of it', () => a.claim(claim(7, here, { peer })));
      await tells('a release', () => a.release(claim(7, here)));
      end();
      await clear();
    });

    if (name === 'folder') return;

    test('a server that dies is asked again when it is back, and what happened meanwhile is told', async () => {
      await a.claim(claim(9, here));
      let told = 0;
      const end = b.watch(() => {
        told += 1;
      });
      await until('it listens', async () => told > 0);
      await place.kill?.();
      await assert.rejects(a.claim(claim(10, here)), (error: unknown) => isFailure(error, 'unavailable'));
      told = 0;
      await place.run?.();
      await until('it is claimed', () => a.claim(claim(10, here)).catch(() => undefined));
      await until('it is told', async () => told > 0);
      assert.deepEqual(
        await b.list(),
        [claim(10, here), claim(9, here)].toSorted((x, y) => (x.address < y.address ? -1 : 1)),
      );
      told = 0;
      await a.release(claim(9, here));
      await until('later changes are told, too', async () => told > 0);
      end();
      await clear();
    });

    test('two daemons that share it give out no address twice', async () => {
      const prefix = ['env', `BERTH_CNM_PEERS_PASSWORD=${place.password}`];
      const daemons = [new CnmCli(prefix), new CnmCli(prefix)] as const;
      try {
        for (const [at, host] of [here, there].entries()) {
          await daemons[at]?.start('--tunnel-address', host, '--peers', place.peers);
          const id = 'beef'.repeat(16);
          await daemons[at]?.must(
            'network',
            'create',
            '-d',
            'overlay',
            '--id',
            id,
            '--subnet',
            '10.91.0.0/24',
            'net',
          );
        }
        const [one, two] = daemons;
        await one.must('endpoint', 'create', '--ip', '10.91.0.9', 'net', 'first');
        const refused = await two.run('endpoint', 'create', '--ip', '10.91.0.9', 'net', 'second');
        assert.match(refused.stderr, /in use on another host/);
        assert.ok((await a.list()).some(({ address, host }) => address === '10.91.0.9' && host === here));
        await one.must('endpoint', 'rm', 'first');
        await two.must('endpoint', 'create', '--ip', '10.91.0.9', 'net', 'second');
        await two.must('endpoint', 'rm', 'second');
        for (const daemon of daemons) {
          await daemon.must('network', 'rm', 'net');
          assert.doesNotMatch(daemon.log, new RegExp(place.password ?? ''));
        }
        assert.deepEqual(await a.list(), []);
      } finally {
        for (const daemon of daemons) await daemon.stop();
      }
    });

    test('a daemon that starts before its directory waits for it', async () => {
      const daemon = new CnmCli(['env', `BERTH_CNM_PEERS_PASSWORD=${place.password}`]);
      const start = () => daemon.start('--tunnel-address', here, '--peers', place.peers);
      try {
        await start();
        await daemon.must('network', 'create', '-d', 'overlay', '--subnet', '10.92.0.0/24', 'net');
        await daemon.must('endpoint', 'create', '--ip', '10.92.0.9', 'net', 'first');
        await daemon.kill();
        await place.kill?.();
        const started = start();
        await until('it waits', async () => daemon.log.includes('waits for the peer directory'));
        await place.run?.();
        await started;
        const taken = await daemon.run('endpoint', 'create', '--ip', '10.92.0.9', 'net', 'second');
        assert.match(taken.stderr, /10\.92\.0\.9/, 'what it had given it knows again');
        await daemon.must('endpoint', 'create', '--ip', '10.92.0.10', 'net', 'second');
        for (const name of ['first', 'second']) await daemon.must('endpoint', 'rm', name);
        await daemon.must('network', 'rm', 'net');
      } finally {
        await daemon.stop();
      }
      await until('nothing is claimed', async () => (await a.list()).length === 0);
    });

    test('a wrong password is refused, and no secret is told', async () => {
      const scratch = mkdtempSync(join(tmpdir(), 'berth-peers-log-'));
      const fd = openSync(join(scratch, 'log'), 'w');
      const log = createLog({ level: 'debug', fd });
      const secret = 'a wrong secret';
      const wrong = await openDirectory({ peers: place.peers, password: secret, log });
      const end = wrong.watch(() => undefined);
      await assert.rejects(wrong.list(), (error: unknown) => {
        assert.ok(isFailure(error, 'unavailable'), String(error));
        assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, new RegExp(secret));
        return true;
      });
      const logged = () => readFileSync(join(scratch, 'log'), 'utf8');
      await until('it is logged', async () => /cannot be (listened to|watched)/.test(logged()));
      end();
      await wrong.close();
      closeSync(fd);
      const text = logged();
      rmSync(scratch, { recursive: true });
      assert.doesNotMatch(text, new RegExp(`${secret}|${place.password}`));
    });
  });
}

test('what is no directory is refused, and a password in the address', async () => {
  for (const [peers, words] of [
    ['mysql://db/x', /postgresql:\/\/, nats:\/\//],
    ['postgresql://u:secret@db/x', /BERTH_CNM_PEERS_PASSWORD/],
    ['nats://', /not an address/],
    ['tls://nats:4222/?ca=/nowhere.pem', /ca: ENOENT/],
  ] as const) {
    await assert.rejects(
      openDirectory({ peers, password: undefined, log: silentLog() }),
      (error: unknown) => {
        assert.ok(isFailure(error, 'invalid-value'));
        assert.match(error.message, words);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  }
});
