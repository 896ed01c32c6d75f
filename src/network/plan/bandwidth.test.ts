import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNetwork, aPort } from '../../../test/helpers/wanted-network.ts';
import { limitLink, portLink } from '../../model/host-names.ts';
import type { WantedBandwidth } from '../../wire/host-network.ts';
import { limitSteps, limitsOf, parseLimitAlias } from './bandwidth.ts';

const instance = 'abcd';
const limit = (kilobitsPerSecond: number, burstKilobits = 0): WantedBandwidth => ({
  kilobitsPerSecond,
  burstKilobits,
});

function stepOf(egress: WantedBandwidth | null, ingress: WantedBandwidth | null) {
  const network = aNetwork({ ports: [aPort('10.0.0.11', { bandwidth: { egress, ingress } })] });
  const [step] = limitSteps(instance, network, undefined);
  assert.ok(step?.do === 'limit-link');
  return step;
}

test('what a container receives leaves by its link, what it sends arrives there', () => {
  const step = stepOf(limit(10_000, 1_000), limit(20_000));
  assert.equal(step.arriving?.bytesPerSecond, 1_250_000);
  assert.equal(step.arriving?.burstBytes, 125_000);
  assert.equal(step.leaving?.bytesPerSecond, 2_500_000);
  assert.equal(step.leaving?.burstBytes, 2_000_000, 'four fifths of a second, as Neutron advises');
});

test('a bucket always has room for a packet, and a rate of nothing is no limit', () => {
  const step = stepOf(limit(64, 1), limit(0));
  assert.ok(step.arriving && step.arriving.burstBytes > 1500 && step.arriving.queueBytes >= 65_536);
  assert.equal(step.leaving, null);
});

test('only changed ports have steps; all of them when nothing is known', () => {
  const [one, two] = [aPort('10.0.0.11'), aPort('10.0.0.12')];
  const network = aNetwork({ ports: [one, two] });
  const limited = { ...two, bandwidth: { egress: limit(1000), ingress: null } };
  const after = { ...network, ports: [one, limited] };
  const names = (steps: ReturnType<typeof limitSteps>) =>
    steps.map((step) => ('name' in step ? step.name : ''));
  assert.deepEqual(names(limitSteps(instance, network, limitsOf(network))), []);
  assert.deepEqual(names(limitSteps(instance, after, limitsOf(network))), [portLink(two.id)]);
  assert.deepEqual(names(limitSteps(instance, network, limitsOf(after))), [portLink(two.id)]);
  assert.deepEqual(
    names(limitSteps(instance, after, undefined)),
    [one, two].map(({ id }) => portLink(id)),
  );
});

test('a detour says whose it is', () => {
  const port = aPort('10.0.0.11');
  const [step] = limitSteps(instance, aNetwork({ ports: [port] }), undefined);
  assert.ok(step?.do === 'limit-link');
  assert.equal(step.detour.name, limitLink(port.id));
  assert.equal(parseLimitAlias(instance, step.detour.alias), port.id);
  assert.equal(parseLimitAlias('ffff', step.detour.alias), undefined);
});
