import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Output, type OutputOptions } from './output.ts';
import { Progress } from './progress.ts';
import { printable, textOf } from './text.ts';

const columns = [{ key: 'name' }, { key: 'ports' }, { key: 'size', text: () => 'big' }];
const rows = [
  { name: 'a', ports: [80, 81], size: 1, hidden: { x: 'y' } },
  { name: 'b "c",d', ports: [], size: 2, hidden: null },
];

async function printed(options: OutputOptions, colour = false): Promise<string> {
  let text = '';
  const output = new Output({ write: (chunk) => (text += chunk) }, options, colour);
  await output.list(columns, rows);
  return text;
}

async function recorded(options: OutputOptions): Promise<string> {
  let text = '';
  await new Output({ write: (chunk) => (text += chunk) }, options, false).record(rows[0] ?? {});
  return text;
}

test('a table has a frame, titles and no colours', async () => {
  assert.equal(
    await printed({}),
    `┌─────────┬────────┬──────┐
│ NAME    │ PORTS  │ SIZE │
├─────────┼────────┼──────┤
│ a       │ 80, 81 │ big  │
│ b "c",d │        │ big  │
└─────────┴────────┴──────┘
`,
  );
});

test('an empty list is a table without rows', async () => {
  let text = '';
  await new Output({ write: (chunk) => (text += chunk) }, {}, false).list(columns, []);
  assert.match(text, /NAME .* PORTS .* SIZE/);
});

test('json and yaml hold whole objects, or the named fields', async () => {
  assert.deepEqual(JSON.parse(await printed({ format: 'json' })), rows);
  assert.deepEqual(JSON.parse(await printed({ format: 'json', column: ['hidden', 'NAME'] })), [
    { hidden: { x: 'y' }, name: 'a' },
    { hidden: null, name: 'b "c",d' },
  ]);
  assert.match(await printed({ format: 'yaml', column: ['name'] }), /^- name: a\n/);
  assert.deepEqual(JSON.parse(await recorded({ format: 'json' })), rows[0]);
});

test('a table of one object leaves its links out unless they are asked for', async () => {
  const show = async (options: OutputOptions) => {
    let text = '';
    const output = new Output({ write: (chunk) => (text += chunk) }, options, false);
    await output.record({ name: 'a', links: [{ href: 'http://x', rel: 'self' }] });
    return text;
  };
  assert.doesNotMatch(await show({}), /http/);
  assert.match(await show({ column: ['links'] }), /http/);
  assert.match(await show({ format: 'json' }), /http/);
});

test('a list that is to be read item by item has a line for each in the table of one object', async () => {
  const show = async (options: OutputOptions) => {
    let text = '';
    const output = new Output({ write: (chunk) => (text += chunk) }, options, false);
    await output.record({ checks: ['yes: a', 'no: b\n'], none: [] }, {}, ['checks', 'none']);
    return text;
  };
  assert.match(await show({}), /│ checks │ yes: a +│\n│ {8}│ no: b\\n +│\n│ none {3}│ +│/);
  assert.equal(await show({ format: 'value', column: ['checks'] }), 'yes: a, no: b\\n\n');
  assert.deepEqual(JSON.parse(await show({ format: 'json' })).checks, ['yes: a', 'no: b\n']);
});

test('value and csv hold cells', async () => {
  assert.equal(await printed({ format: 'value', column: ['name', 'ports'] }), 'a 80, 81\nb "c",d \n');
  assert.equal(await printed({ format: 'csv' }), 'NAME,PORTS,SIZE\na,"80, 81",big\n"b ""c"",d",,big\n');
  assert.equal(await recorded({ format: 'value', column: ['hidden', 'name'] }), 'x=y\na\n');
});

test('a column that no object has is refused, with those that there are', async () => {
  await assert.rejects(printed({ column: ['nmae'] }), /no column nmae; there are name, ports, size, hidden/);
});

test('cells are coloured on request only', async () => {
  let text = '';
  const output = new Output({ write: (chunk) => (text += chunk) }, {}, true);
  await output.list([{ key: 'name', paint: () => 'green' }], [{ name: 'a' }]);
  assert.ok(text.includes('\u001b[32ma\u001b[39m'));
});

test('what could move the cursor or hide text is shown instead', async () => {
  const hostile = 'a\u001b[2Jb\nc\u009bd\u202ee';
  assert.equal(printable(hostile), 'a\\x1b[2Jb\\nc\\x9bd\\u202ee');
  assert.equal(printable('Zoë 网站 👩‍🚀'), 'Zoë 网站 👩‍🚀');
  let text = '';
  const output = new Output({ write: (chunk) => (text += chunk) }, {}, false);
  await output.list([{ key: 'name' }], [{ name: hostile }]);
  await output.record({ name: hostile });
  assert.ok(!text.includes('\u001b') && !text.includes('\u009b'));
});

test('values read as people write them', () => {
  assert.equal(textOf({ a: 1, b: ['x', null] }), 'a=1, b=x, ');
  assert.equal(textOf(false), 'false');
  assert.equal(textOf(undefined), '');
});

test('progress of several things that take turns is said once per change', () => {
  let text = '';
  const progress = new Progress({ write: (chunk) => (text += chunk) }, false);
  for (let turn = 0; turn < 3; turn += 1) for (const name of ['a', 'b']) progress.step(`${name}: stopping`);
  progress.note('a: deleted');
  assert.equal(text, 'a: stopping\nb: stopping\na: deleted\n');
});
