import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Authority, type Certificate } from '../../../test/helpers/certificates.ts';
import { KuryrWorld } from '../../../test/helpers/kuryr-world.ts';
import { isFailure } from '../../model/failure.ts';
import { type ListenSettings, parseListen } from './listen.ts';

const folder = mkdtempSync(join(tmpdir(), 'kuryr-listen-'));
after(() => rmSync(folder, { recursive: true }));
const specDir = join(folder, 'plugins');
mkdirSync(specDir);
const noTls = {
  certFile: '',
  keyFile: '',
  clientCaFile: '',
  dockerCaFile: '',
  dockerCertFile: '',
  dockerKeyFile: '',
};
const settings = (listen: string, more: Partial<ListenSettings> = {}): ListenSettings => ({
  listen,
  specDir,
  insecure: false,
  tls: noTls,
  ...more,
});
const refuses =
  (words: RegExp, code = 'invalid-value') =>
  (error: unknown) =>
    isFailure(error) && error.code === code && words.test(error.message);

test('an address without TLS has to be loopback, unless somebody insists', () => {
  assert.equal(parseListen(settings('')), undefined);
  for (const address of ['127.0.0.1', '127.9.9.9', '[::1]', 'localhost']) {
    assert.equal(parseListen(settings(`tcp://${address}:23750`))?.port, 23_750);
  }
  for (const address of ['0.0.0.0', '[::]', '192.0.2.1', 'example.org', '127.0.0.1.example.org']) {
    assert.throws(
      () => parseListen(settings(`tcp://${address}:1`)),
      refuses(/kuryr\.insecure: true/),
      address,
    );
    assert.equal(parseListen(settings(`tcp://${address}:1`, { insecure: true }))?.port, 1);
  }
  for (const wrong of [
    '127.0.0.1:1',
    'http://127.0.0.1:1',
    'tcp://127.0.0.1',
    'tcp://127.0.0.1:1/x',
    'tcp://a@127.0.0.1:1',
  ]) {
    assert.throws(() => parseListen(settings(wrong)), refuses(/kuryr\.listen: .*expected tcp:/), wrong);
  }
});

test('TLS needs all of its files', () => {
  const all = Object.fromEntries(
    Object.keys(noTls).map((name) => [name, join(folder, 'none.pem')]),
  ) as typeof noTls;
  const tls = (more: Partial<typeof noTls>) => settings('tcp://0.0.0.0:1', { tls: { ...all, ...more } });
  assert.throws(() => parseListen(tls({ clientCaFile: '' })), refuses(/kuryr\.tls\.clientCaFile is missing/));
  assert.throws(
    () => parseListen(tls({})),
    refuses(/kuryr\.tls\.certFile: cannot read .*none\.pem \(ENOENT\)/),
  );
});

async function on(world: KuryrWorld, given: ListenSettings): Promise<void> {
  await world.stop();
  const tcp = parseListen(given);
  assert.ok(tcp);
  world.options = { tcp };
  await world.start();
}

test('on TCP a .spec leads to each of the drivers, while they serve', () =>
  KuryrWorld.with(async (world) => {
    await world.stop();
    writeFileSync(world.socketPath, '');
    await on(world, settings('tcp://127.0.0.1:0'));
    assert.ok(!existsSync(world.socketPath), 'dockerd would prefer the socket');
    assert.deepEqual(readdirSync(specDir).sort(), ['kuryr-ports.spec', 'kuryr.spec']);
    const address = readFileSync(join(specDir, 'kuryr.spec'), 'utf8').trim();
    const answer = await fetch(`${address.replace('tcp:', 'http:')}/Plugin.Activate`, { method: 'POST' });
    assert.deepEqual(await answer.json(), { Implements: ['NetworkDriver', 'IpamDriver'] });
    const url = `${address.replace('tcp:', 'http:')}/NetworkDriver.DeleteNetwork`;
    const body = JSON.stringify({ NetworkID: 'a'.repeat(64) });
    const page = await fetch(url, { method: 'POST', body, headers: { origin: 'https://example.org' } });
    assert.equal(page.status, 403, 'a page in a browser commands nothing');
    assert.equal((await fetch(url, { method: 'POST', body })).status, 200);
    await world.stop();
    assert.deepEqual(readdirSync(specDir), []);
  }));

test('what somebody else wrote is neither overwritten nor removed', () =>
  KuryrWorld.with(async (world) => {
    for (const [file, text] of [
      ['kuryr.spec', 'tcp://127.0.0.1:9\n'],
      ['kuryr.json', '{"Addr":"http://127.0.0.1:9"}'],
      ['kuryr-ports.spec', 'tcp://127.0.0.1:9\n'],
    ] as const) {
      const path = join(specDir, file);
      writeFileSync(path, text);
      await assert.rejects(
        on(world, settings('tcp://127.0.0.1:0')),
        refuses(new RegExp(`${file} names another driver`), 'already-running'),
      );
      assert.equal(readFileSync(path, 'utf8'), text);
      assert.deepEqual(readdirSync(specDir), [file], 'nothing else is left');
      rmSync(path);
    }
    await on(world, settings('tcp://127.0.0.1:0'));
    const path = join(specDir, 'kuryr.spec');
    writeFileSync(path, 'tcp://127.0.0.1:9\n');
    await world.stop();
    assert.deepEqual(readdirSync(specDir), ['kuryr.spec']);
    rmSync(path);
  }));

test('with TLS only those with a certificate of the authority are answered', () =>
  KuryrWorld.with(async (world) => {
    const authority = new Authority(folder);
    const [own, docker] = [authority.sign('server'), authority.sign('dockerd')];
    const stranger = new Authority(folder, 'other').sign('stranger');
    const tls = {
      certFile: own.cert,
      keyFile: own.key,
      clientCaFile: authority.cert,
      dockerCaFile: authority.cert,
      dockerCertFile: docker.cert,
      dockerKeyFile: docker.key,
    };
    await on(world, settings('tcp://127.0.0.1:0', { tls }));
    const file = join(specDir, 'kuryr.json');
    const { Addr, TLSConfig } = JSON.parse(readFileSync(file, 'utf8'));
    assert.deepEqual(TLSConfig, {
      InsecureSkipVerify: false,
      CAFile: authority.cert,
      CertFile: docker.cert,
      KeyFile: docker.key,
    });
    const ask = (who?: Certificate) => activate(Addr, authority.cert, who);
    assert.match(await ask(docker), /NetworkDriver/);
    await assert.rejects(ask(), /ECONNRESET|certificate required|socket hang up/i);
    await assert.rejects(ask(stranger), /ECONNRESET|unknown ca|socket hang up/i);
    await world.stop();
    await assert.rejects(
      on(world, settings('tcp://127.0.0.1:0', { tls: { ...tls, keyFile: docker.key } })),
      refuses(/kuryr\.tls: a certificate or key cannot be used/),
    );
    assert.deepEqual(readdirSync(specDir), []);
  }));

function activate(url: string, ca: string, who: Certificate | undefined): Promise<string> {
  const own = who ? { cert: readFileSync(who.cert), key: readFileSync(who.key) } : {};
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', ca: readFileSync(ca), agent: false, ...own };
    const sent = request(`${url}/Plugin.Activate`, options, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve(text);
    });
    sent.on('error', reject).end();
  });
}
