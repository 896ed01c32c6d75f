/**
 * Steps that ensure things, read as the list of what is wanted: what leads from one list to another.
 *
 * Links, addresses and routes that are no longer on the list are taken back, those that are new or differ are ensured,
 * all others are not touched.
 */
import type { KernelStep } from '../../host/kernel.ts';

export interface StepChanges {
  /** In this order: routes, addresses, links. */
  readonly undone: readonly KernelStep[];
  readonly done: readonly KernelStep[];
}

export function stepChanges(before: readonly KernelStep[], after: readonly KernelStep[]): StepChanges {
  const had = new Set(before.map((step) => JSON.stringify(step)));
  const wanted = new Set(after.map(identityOf));
  const undone = before
    .filter((step) => !wanted.has(identityOf(step)))
    .flatMap(inverseOf)
    .sort((a, b) => order.indexOf(a.do) - order.indexOf(b.do));
  // With a link, or the last address of a subnet, the kernel forgets the routes through it.
  const isUprooted = undone.some((step) => step.do === 'delete-link' || isSubnet(step));
  const done = after.filter(
    (step) => !had.has(JSON.stringify(step)) || (isUprooted && step.do === 'ensure-route'),
  );
  return { undone, done };
}

/** Of two steps with the same identity the later one changes what the earlier one made. */
export function identityOf(step: KernelStep): string {
  switch (step.do) {
    case 'ensure-bridge':
    case 'ensure-veth':
      return `link ${step.netns} ${step.name}`;
    case 'ensure-address':
      return `address ${step.link} ${step.address}`;
    case 'ensure-route':
      return `route ${step.to}`;
    default:
      return JSON.stringify(step);
  }
}

const order: readonly KernelStep['do'][] = ['delete-route', 'delete-address', 'delete-link'];

function isSubnet(step: KernelStep): boolean {
  return step.do === 'delete-address' && !/\/(32|128)$/.test(step.address);
}

function inverseOf(step: KernelStep): KernelStep[] {
  const netns = 'netns' in step && step.netns !== undefined ? { netns: step.netns } : {};
  switch (step.do) {
    case 'ensure-bridge':
    case 'ensure-veth':
      return [{ ...netns, do: 'delete-link', name: step.name }];
    case 'ensure-address':
      return [{ ...netns, do: 'delete-address', link: step.link, address: step.address }];
    case 'ensure-route':
      return [{ ...netns, do: 'delete-route', to: step.to }];
    default:
      return [];
  }
}
