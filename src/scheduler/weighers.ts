/** Weighers rank hosts that fit: the greatest weight wins. */
import type { Ask, HostState, Ratios } from './filters.ts';

/**
 * Spread: the share that stays free of the resource that would be scarcest after the placement, so that hosts
 * of different sizes fill evenly and none runs out of one resource while another is idle.
 */
export function freeShare(host: HostState, ask: Ask, ratios: Ratios): number {
  const cpu = 1 - (host.usage.cpu + ask.cpu) / (host.cpus * ratios.cpu);
  const memory = 1 - (host.usage.memoryMiB + ask.memoryMiB) / (host.memoryMiB * ratios.memory);
  return Math.min(cpu, memory);
}
