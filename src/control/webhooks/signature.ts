/**
 * What a receiver tells a real delivery by: `t=<seconds since 1970>,v1=<hex HMAC-SHA256 of "<t>.<body>">`, with the hook's secret as
 * it was told. The time is signed, too, so that an old delivery cannot be sent again by somebody else. docs/guide/events.md shows how to check it.
 */
import { createHmac, randomBytes } from 'node:crypto';

export function signatureOf(
  body: string,
  { secret, at }: { readonly secret: string; readonly at: Date },
): string {
  const seconds = Math.floor(at.getTime() / 1000);
  const digest = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${digest}`;
}

export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}
