import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differencesOf, foreignTables, readListing } from './listing.ts';

const text = `table bridge berth {
	map links {
		type ifname : verdict
		elements = { "p1" : goto guard,
			     "p2" : goto trust }
	}

	set macs {
		type ifname . ether_addr
	}

	chain guard {
		type filter hook prerouting priority -300; policy drop;
		meta mark set iifname map @egress
		counter packets 0 bytes 0 drop
	}
}
table ip filter {
}
`;
const compare = (found: string) => differencesOf(readListing(text), readListing(found));

test('a listing is compared line by line and element by element', () => {
  assert.deepEqual(compare(text), []);
  const turned = text.replace(
    /"p1" : goto guard,\s+"p2" : goto trust/,
    '"p2" : goto trust, "p1" : goto guard',
  );
  assert.notEqual(turned, text);
  assert.deepEqual(compare(turned), []);
});

test('what is missing, foreign or in another order is said', () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    [
      'a rule gone',
      '\t\tmeta mark set iifname map @egress\n',
      '',
      'chain guard: missing rule: meta mark set iifname map @egress',
    ],
    ['a rule more', '\t\tmeta mark', '\t\taccept\n\t\tmeta mark', 'chain guard: foreign rule: accept'],
    ['an element gone', '"p1" : goto guard,', '', 'map links: missing element: "p1" : goto guard'],
    ['a set gone', '\tset macs {\n\t\ttype ifname . ether_addr\n\t}\n', '', ': set macs is missing'],
    [
      'a policy',
      'policy drop',
      'policy accept',
      'chain guard: missing rule: type filter hook prerouting priority -300; policy drop;',
    ],
    ['a table', 'table ip filter', 'table ip other', 'table ip filter is missing'],
  ];
  for (const [what, from, to, message] of cases) {
    const found = compare(text.replace(from, to));
    assert.ok(found[0]?.includes(message), `${what}: ${found.join(' / ')}`);
  }
  const order = compare(
    text.replace(
      '\t\tmeta mark set iifname map @egress\n\t\tcounter packets 0 bytes 0 drop\n',
      '\t\tcounter packets 0 bytes 0 drop\n\t\tmeta mark set iifname map @egress\n',
    ),
  );
  assert.deepEqual(order, ['table bridge berth chain guard: the rules are in another order']);
  assert.deepEqual(foreignTables(readListing('table ip berth {\n}\n'), readListing(text)), [
    'table bridge berth',
    'table ip filter',
  ]);
});

test('of many differences some are told', () => {
  const many = Array.from({ length: 30 }, (_, at) => `\t\tip saddr 10.0.0.${at} accept\n`).join('');
  const found = compare(text.replace('\t\tmeta mark', `${many}\t\tmeta mark`));
  assert.equal(found.length, 6);
  assert.match(found.at(-1) ?? '', /25 more/);
});

test('what packets add to a set is no difference', () => {
  const set = (elements: string) => `table ip berth {
	set askers {
		type ipv4_addr
		size 65535
		flags dynamic,timeout
		timeout 10s
${elements}	}
}
`;
  const filled = '\t\telements = { 10.0.0.5 limit rate over 1024/second burst 1024 packets expires 9s }\n';
  assert.deepEqual(differencesOf(readListing(set('')), readListing(set(filled))), []);
});
