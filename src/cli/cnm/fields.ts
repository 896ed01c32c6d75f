/** Values of options of `berth cnm` as the daemon wants them. Throws UsageError. Pure. */
import type { CnmPort, CnmPublish } from '../../model/cnm.ts';
import { UsageError } from '../usage-error.ts';

/** `key=value` each; without `=` the value is empty. */
export function pairs(option: string, texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      const [key, value] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
      if (key === '') throw new UsageError(`${option} ${text}: expected KEY=VALUE`);
      return [key, value];
    }),
  );
}

/** `80`, `53/udp`. */
export function toPort(text: string): CnmPort {
  const [number = '', protocol = 'tcp', ...more] = text.split('/');
  if (more.length > 0 || (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp')) {
    throw new UsageError(`port ${text}: expected PORT, PORT/tcp, PORT/udp or PORT/sctp`);
  }
  return { protocol, containerPort: portNumber(number, text) };
}

/** `8080:80`, `127.0.0.1:8080:80/tcp`, `[::1]:8080:80`, `127.0.0.1::80`, `80` (any port of the host). */
export function toPublish(text: string): CnmPublish {
  const found =
    /^(?:(?:\[(?<v6>[\da-fA-F:.]+)\]|(?<v4>\d+\.[\d.]+)):)?(?:(?<from>\d*):)?(?<to>\d+(?:\/\w+)?)$/.exec(
      text,
    );
  if (!found?.groups) throw new UsageError(`publish ${text}: expected [ADDRESS:][PORT:]PORT[/PROTOCOL]`);
  const { v4, v6, from = '', to = '' } = found.groups;
  return {
    ...toPort(to),
    hostAddress: v4 ?? v6 ?? null,
    hostPort: from === '' ? null : portNumber(from, text),
  };
}

function portNumber(digits: string, text: string): number {
  const value = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (value >= 1 && value <= 65_535) return value;
  throw new UsageError(`port ${text}: expected a number from 1 to 65535`);
}
