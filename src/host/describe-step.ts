/** One line for a step, for errors and logs: `ensure-veth p123 in berth-0f3a-n1`. Never a script's text. */
import type { KernelStep } from './kernel.ts';

export function describeStep(step: KernelStep): string {
  const words = [step.do, ...objectOf(step)];
  if ('netns' in step && step.netns !== undefined) words.push('in', step.netns);
  return words.join(' ');
}

function objectOf(step: KernelStep): string[] {
  switch (step.do) {
    case 'ensure-address':
    case 'delete-address':
      return [step.address, 'on', step.link];
    case 'ensure-route':
    case 'delete-route':
      return [
        step.to,
        ...(step.via === undefined ? [] : ['via', step.via]),
        ...(step.link === undefined ? [] : ['on', step.link]),
      ];
    case 'ensure-peer':
    case 'delete-peer':
      return [step.mac, 'on', step.link];
    case 'sysctl':
      return [`${step.key}=${step.value}`];
    case 'nft':
      return [];
    case 'end-connections':
      return step.address === undefined ? [] : ['of', step.address];
    case 'end-flows':
      return step.ports.map(({ protocol, port }) => `${protocol}/${port}`);
    case 'move-link':
      return [step.name, 'to', step.to.name, 'in', step.to.netns ?? 'the own namespace'];
    default:
      return [step.name];
  }
}
