/** Values as people spell them in several options. */
import { UsageError } from './usage-error.ts';

/** Whole MiB as the API wants them. */
export function memoryMiB(flag: string, text: string): string {
  const match = /^(\d+)\s*([kmg]?)(?:i?b)?$/i.exec(text);
  const amount = Number(match?.[1]);
  const factor = { '': 1, k: 1 / 1024, m: 1, g: 1024 }[(match?.[2] ?? '?').toLowerCase()];
  if (factor === undefined) throw new UsageError(`${flag} ${text}: expected MiB, such as 512, 512M or 2G`);
  return String(Math.ceil(amount * factor));
}

export function pairs(flag: string, items: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    items.map((item) => {
      const at = item.indexOf('=');
      if (at < 1) throw new UsageError(`${flag} ${item}: expected NAME=VALUE`);
      return [item.slice(0, at), item.slice(at + 1)];
    }),
  );
}
