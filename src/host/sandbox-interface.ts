/**
 * A link handed over to a sandbox: a namespace that a container engine or a runtime works in. Pure.
 *
 * IPv6 addresses are ready at once, without duplicate detection: whoever gives them gives them to nobody else. Routes on the
 * link come before those that need one to reach their next hop.
 */
import type { KernelStep } from './kernel.ts';

export interface SandboxInterface {
  readonly name: string;
  /** Absent = as the link has it. */
  readonly macAddress?: string;
  /** With prefix lengths. */
  readonly addresses: readonly string[];
  /** `via` absent = on the link. */
  readonly routes: readonly { readonly to: string; readonly via?: string }[];
}

/** Moves the link of this process's namespace into the other one and sets it up there. */
export function handOverSteps(netns: string, linkName: string, wanted: SandboxInterface): KernelStep[] {
  const { name, macAddress, addresses, routes } = wanted;
  const setting = (key: string, value: string): KernelStep => ({
    do: 'sysctl',
    netns,
    key: `net/ipv6/conf/${name}/${key}`,
    value,
  });
  const hasIpv6 = addresses.some((address) => address.includes(':'));
  const direct = routes.filter(({ via }) => via === undefined);
  const indirect = routes.filter(({ via }) => via !== undefined);
  return [
    { do: 'move-link', name: linkName, to: { netns, name } },
    ...(macAddress === undefined ? [] : [{ do: 'set-link', netns, name, mac: macAddress } as const]),
    ...(hasIpv6 ? [setting('disable_ipv6', '0'), setting('accept_dad', '0')] : []),
    { do: 'set-link', netns, name, up: true },
    ...addresses.map((address): KernelStep => ({ do: 'ensure-address', netns, link: name, address })),
    ...[...direct, ...indirect].map(
      (route): KernelStep => ({ do: 'ensure-route', netns, link: name, ...route }),
    ),
  ];
}
