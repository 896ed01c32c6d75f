/** Random networks of a small world, so that rules, members and packets meet often. */
import fc from 'fast-check';
import type { WantedNetwork, WantedPort, WantedRule } from '../../src/wire/host-network.ts';
import { aNetwork, aPort } from './wanted-network.ts';

const groupIds = ['group-a', 'group-b', 'group-c'] as const;
const prefixes = {
  4: ['0.0.0.0/0', '10.0.0.0/30', '10.0.0.2/32', '192.168.0.0/16'],
  6: ['::/0', 'fd00::/127', 'fd00::2'],
};

const orNull = <T>(values: readonly T[]) => fc.constantFrom<(T | null)[]>(null, ...values);

const anyRule: fc.Arbitrary<WantedRule> = fc
  .record({
    direction: fc.constantFrom<WantedRule['direction'][]>('ingress', 'egress'),
    ipVersion: fc.constantFrom<(4 | 6)[]>(4, 6),
    protocol: orNull([1, 6, 17, 47, 58, 132]),
    low: orNull([0, 1, 2, 3, 128]),
    span: fc.nat(2),
    remote: fc.constantFrom('any', 'group', 'prefix'),
    remoteGroupId: fc.constantFrom(...groupIds),
    prefix: fc.nat(3),
  })
  .map(({ low, span, remote, remoteGroupId, prefix, ...rule }) => ({
    ...rule,
    portMin: low,
    portMax: low === null ? null : low + span,
    remoteGroupId: remote === 'group' ? remoteGroupId : null,
    remotePrefix: remote === 'prefix' ? (prefixes[rule.ipVersion][prefix] ?? null) : null,
  }));

const anyPort = (last: number): fc.Arbitrary<WantedPort> =>
  fc
    .record({
      adminStateUp: fc.boolean().map((down) => !down || last % 2 === 0),
      portSecurityEnabled: fc.nat(4).map((one) => one > 0),
      securityGroupIds: fc.subarray([...groupIds]),
      pair: orNull(['10.0.0.200', '192.168.1.0/24']),
    })
    .map(({ pair, ...port }) =>
      aPort(`10.0.0.${last}`, {
        ...port,
        allowedAddressPairs: pair === null ? [] : [{ macAddress: '', ipAddress: pair }],
      }),
    );

/** Three ports that use three groups in any way. */
export const anyNetwork: fc.Arbitrary<WantedNetwork> = fc
  .record({
    ports: fc.tuple(anyPort(1), anyPort(2), anyPort(3)),
    groups: fc.tuple(
      ...groupIds.map((id) =>
        fc.record({
          id: fc.constant(id),
          stateful: fc.boolean(),
          rules: fc.array(anyRule, { maxLength: 6 }),
        }),
      ),
    ),
  })
  .map(({ ports, groups }) => aNetwork({ ports, securityGroups: groups }));
