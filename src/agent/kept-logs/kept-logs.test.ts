/** Files of kept logs: what is in them, who gives way, what a crash leaves; and that nothing of it stops a delete. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { HandClock } from '../../../test/helpers/clock.ts';
import { silentLog } from '../../base/log.ts';
import type { Engine, LogOptions } from '../../docker/engine.ts';
import type { Frame } from '../../docker/frames.ts';
import { Failure } from '../../model/failure.ts';
import { newUuid } from '../../model/ids.ts';
import { encodeKept, lastEntries, mostEntries, readKept } from './file.ts';
import { KeptLogs, type KeptLogsOptions } from './kept-logs.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-kept-'));
after(() => rmSync(folder, { recursive: true }));

const all: LogOptions = { stdout: true, stderr: true, timestamps: false, tail: null, since: null };
const roomy = { days: 7, bytesPerContainer: 65_536, bytesPerHost: 1_048_576 };

function entry(second: number, text: string, isError = false): Frame {
  const at = new Date(Date.parse('2030-01-01T00:00:00Z') + second * 1000)
    .toISOString()
    .replace('.000Z', '.000000000Z');
  return { isError, payload: Buffer.from(`${at} ${text}`) };
}

let dir: string;
let clock: HandClock;
/** What Docker has of each container. */
let written: Frame[] | Error;
let runs = 0;

beforeEach(() => {
  runs += 1;
  dir = join(folder, String(runs));
  clock = new HandClock();
  written = [entry(0, 'one\n'), entry(1, 'two\n', true), entry(2, 'three\n')];
});

function open(settings: KeptLogsOptions['settings'] = roomy): KeptLogs {
  const logEntries: Engine['logEntries'] = async () => {
    const entries = written;
    if (entries instanceof Error) throw entries;
    return (async function* () {
      yield* entries;
    })();
  };
  return new KeptLogs({ dir, settings, engine: { logEntries } as Engine, clock, log: silentLog() });
}

async function keep(logs: KeptLogs, projectId = 'p1', uuid = newUuid()): Promise<string> {
  await logs.keep({ uuid, projectId });
  clock.advance(1);
  return uuid;
}

test('what is read is what Docker would have said', async () => {
  const logs = open();
  const uuid = await keep(logs);
  assert.equal(await logs.read(uuid, all), 'one\ntwo\nthree\n');
  assert.equal(await logs.read(uuid, { ...all, stderr: false }), 'one\nthree\n');
  assert.equal(await logs.read(uuid, { ...all, stdout: false }), 'two\n');
  assert.equal(await logs.read(uuid, { ...all, tail: 2, stdout: false }), 'two\n');
  assert.equal(await logs.read(uuid, { ...all, tail: 0 }), '');
  const since = Date.parse('2030-01-01T00:00:01Z') / 1000;
  assert.equal(await logs.read(uuid, { ...all, since }), 'two\nthree\n');
  assert.equal(
    await logs.read(uuid, { ...all, since: since + 0.5, timestamps: true }),
    '2030-01-01T00:00:02.000000000Z three\n',
  );
  assert.deepEqual(await logs.endOf(uuid), { bytes: statSync(join(dir, `${uuid}.log`)).size, reason: null });
});

test('the end of a long log, which says that it is the end', async () => {
  const entries = Array.from({ length: 5000 }, (_, second) => entry(second, `line ${second}\n`));
  written = entries;
  const logs = open({ ...roomy, bytesPerContainer: 10_000 });
  const text = await logs.read(await keep(logs), all);
  assert.match(text, /^\[only the end of the log was kept\]\nline \d+\n/);
  assert.match(text, /line 4998\nline 4999\n$/);
  assert.ok(text.length < 10_000);
  const { frames, isCut } = await lastEntries(entries.values() as unknown as AsyncIterable<Frame>, 10_000);
  const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
  assert.ok(isCut && bytes <= 10_000 && bytes > 9_900, `${bytes} bytes`);
  assert.ok(mostEntries(10_000) * 39 > 10_000, 'so many entries fill it, however short they are');
});

test('files are the owner’s alone, and a container that wrote nothing has kept just that', async () => {
  mkdirSync(dir, { mode: 0o755 });
  chmodSync(dir, 0o755);
  written = [];
  const logs = open();
  const uuid = await keep(logs);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  assert.equal(statSync(join(dir, `${uuid}.log`)).mode & 0o777, 0o600);
  assert.equal(await logs.read(uuid, all), '');
});

test('the next process finds them, and removes what a crash left half written', async () => {
  const uuid = await keep(open());
  writeFileSync(join(dir, `${newUuid()}.log.part`), 'half');
  writeFileSync(join(dir, `${newUuid()}.log`), 'not one of ours');
  const logs = open();
  assert.deepEqual(await logs.list(), [uuid]);
  assert.deepEqual(readdirSync(dir), [`${uuid}.log`]);
  await keep(logs, 'p1', uuid);
  assert.equal(await logs.read(uuid, all), 'one\ntwo\nthree\n', 'kept again without harm');
});

test('room is made by the project that takes most, oldest first', async () => {
  const logs = open({ ...roomy, bytesPerHost: 5 * 4096 });
  const theirs = await keep(logs, 'small');
  const mine = [
    await keep(logs, 'big'),
    await keep(logs, 'big'),
    await keep(logs, 'big'),
    await keep(logs, 'big'),
  ];
  const next = await keep(logs, 'big');
  assert.deepEqual(new Set(await logs.list()), new Set([theirs, ...mine.slice(1), next]));
  const another = await keep(logs, 'small');
  assert.deepEqual(new Set(await logs.list()), new Set([theirs, ...mine.slice(2), next, another]));
  assert.equal(readdirSync(dir).length, 5);
  await assert.rejects(
    logs.read(mine[0] ?? '', all),
    /^Failure: The logs of container .* are no longer kept\.$/,
  );
});

test('what is old goes; less room lets the oldest go; none at all keeps nothing', async () => {
  const logs = open();
  await keep(logs);
  clock.advance(7 * 86_400);
  const young = await keep(logs);
  await logs.tidy();
  assert.deepEqual([await logs.list(), logs.drops], [[young], 1]);
  const younger = await keep(logs);
  const tight = open({ ...roomy, bytesPerHost: 4096 });
  await tight.tidy();
  assert.deepEqual(await tight.list(), [younger]);
  const off = open({ ...roomy, bytesPerHost: 0 });
  await off.tidy();
  const refused = await keep(off);
  assert.deepEqual([await off.list(), await off.endOf(refused)], [[], undefined]);
});

test('that they cannot be kept is said, and is no error', async () => {
  const logs = open();
  written = new Failure('docker-error', 'configured logging driver does not support reading');
  const uuid = await keep(logs);
  assert.deepEqual(await logs.endOf(uuid), {
    bytes: null,
    reason: 'The logs could not be kept: configured logging driver does not support reading',
  });
  assert.deepEqual(await logs.endOf(newUuid()), {
    bytes: null,
    reason: 'Docker no longer had the container.',
  });
  writeFileSync(`${dir}-file`, '');
  dir = `${dir}-file`;
  written = [];
  const nowhere = open();
  const other = await keep(nowhere);
  assert.deepEqual(await nowhere.endOf(other), {
    bytes: null,
    reason: 'The logs could not be kept: the log of its host says why',
  });
});

test('a name that is no uuid reaches no file', async () => {
  const logs = open();
  await assert.rejects(logs.read('../../etc/passwd', all), /no longer kept/);
  await logs.keep({ uuid: '../x', projectId: 'p1' });
  assert.match((await logs.endOf('../x'))?.reason ?? '', /is not a container's uuid/);
  await assert.rejects(logs.drop(['../x']), /is not a container's uuid/);
});

test('pieces of a line that goes on share the fate of its beginning', () => {
  const piece = { isError: false, payload: Buffer.from('no time here\n') };
  const about = { projectId: 'p', keptAt: 0, isCut: false };
  const frames = [entry(0, 'a'), piece].map(({ isError, payload }) => {
    const header = Buffer.from([isError ? 2 : 1, 0, 0, 0, 0, 0, 0, payload.length]);
    return Buffer.concat([header, payload]);
  });
  assert.equal(readKept(encodeKept(about, frames), all), 'ano time here\n');
  assert.equal(readKept(encodeKept(about, frames), { ...all, since: 4e9 }), '');
});
