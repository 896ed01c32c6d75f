/** A stream through a floating IP that never breaks, whatever else is changed meanwhile: through the API of a whole Berth. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Berth } from '../helpers/berth.ts';
import { Machine } from '../helpers/machine.ts';
import type { StreamReport } from '../helpers/steady-streams.ts';

let machine: Machine;
let berth: Berth;

before(async () => {
  machine = await Machine.start();
  berth = new Berth(machine);
  await berth.up();
});

after(async () => {
  await machine?.destroy();
});

test('500 unrelated changes: iperf3 through a floating IP sees no loss and no reset', async (t) => {
  const script = resolve(import.meta.dirname, '../helpers/steady-streams.ts');
  const said = await machine.must(process.execPath, [script, berth.stateDir], {
    DOCKER_HOST: machine.dockerHost,
  });
  const result = JSON.parse(said.trim().split('\n').at(-1) ?? '') as {
    readonly changes: number;
    readonly reports: readonly StreamReport[];
  };
  assert.ok(result.changes >= 500, `${result.changes} changes`);
  for (const protocol of ['tcp', 'udp'] as const) {
    const reports = result.reports.filter((one) => one.protocol === protocol);
    assert.ok(reports.length > 0);
    for (const { error, bytes, packets, lost } of reports) {
      assert.equal(error, undefined);
      assert.ok(bytes > 0);
      assert.equal(lost, 0, `${lost} of ${packets} packets lost`);
    }
    const bytes = reports.reduce((sum, one) => sum + one.bytes, 0);
    t.diagnostic(`${result.changes} changes beside ${reports.length} ${protocol} streams of ${bytes} bytes`);
  }
});
