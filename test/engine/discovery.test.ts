/** dockerd finds Kuryr on TCP by a `.spec`, and on TLS with certificates of both sides by a `.json`. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Berth } from '../helpers/berth.ts';
import { Authority } from '../helpers/certificates.ts';
import { Machine } from '../helpers/machine.ts';

const folder = '/etc/docker/plugins';
let machine: Machine;

before(async () => {
  machine = await Machine.start();
  // dockerd looks in places that the machine shares with the one around it.
  await machine.must('mount', ['-t', 'tmpfs', 'tmpfs', '/etc/docker']);
});
after(async () => {
  await machine?.destroy();
});

async function docker(...args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await machine.docker(...args);
  assert.equal(code, 0, `docker ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** A network by hand, two containers on it, and one of Berth's own; nothing is left. */
async function isUsed(berth: Berth): Promise<void> {
  const drivers = ['--driver', 'kuryr', '--ipam-driver', 'kuryr'];
  await docker('network', 'create', ...drivers, '--subnet', '10.85.0.0/24', 'blue');
  await docker(
    'run',
    '-d',
    '--name',
    'one',
    '--net',
    'blue',
    '--ip',
    '10.85.0.9',
    'busybox',
    'sleep',
    '1000',
  );
  await docker('run', '--rm', '--net', 'blue', 'busybox', 'ping', '-c', '1', '-W', '5', '10.85.0.9');
  await docker('rm', '-f', 'one');
  await docker('network', 'rm', 'blue');
  const own = await berth.cli('run', '-n', 'own', 'busybox', 'sleep', '1000');
  assert.equal(own.status, 'Running');
  await berth.cli('delete', 'own', '--stop');
}

const files = async () => (await machine.exec('ls', [folder])).stdout.trim().split('\n');

test('by a .spec, then by a .json with TLS', async () => {
  const listen = 'tcp://127.0.0.1:23750';
  const plain = new Berth(machine, { kuryr: { listen } });
  await plain.up();
  assert.deepEqual(await files(), ['kuryr-ports.spec', 'kuryr.spec']);
  await isUsed(plain);
  await plain.down();
  assert.deepEqual(await files(), ['']);

  const authority = new Authority(machine.disk);
  const [own, client] = [authority.sign('driver'), authority.sign('dockerd')];
  const tls = {
    certFile: own.cert,
    keyFile: own.key,
    clientCaFile: authority.cert,
    dockerCaFile: authority.cert,
    dockerCertFile: client.cert,
    dockerKeyFile: client.key,
  };
  // dockerd keeps an address for as long as it lives.
  await machine.restartDocker();
  const secure = new Berth(machine, { kuryr: { listen, tls } });
  await secure.up();
  assert.deepEqual(await files(), ['kuryr-ports.json', 'kuryr.json']);
  await isUsed(secure);
  const curl = ['-s', '-X', 'POST', '--cacert', authority.cert, 'https://127.0.0.1:23750/Plugin.Activate'];
  assert.notEqual((await machine.exec('curl', curl)).code, 0, 'without a certificate nobody is answered');
  const shown = await machine.must('curl', [...curl, '--cert', client.cert, '--key', client.key]);
  assert.match(shown, /NetworkDriver/);
  await secure.down();
  assert.deepEqual(await files(), ['']);
  assert.match(await machine.must('cat', [join(machine.disk, 'berth.log')]), /serving dockerd/);
});
