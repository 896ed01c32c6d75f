/**
 * Structured logs on stderr: key-values, one child logger per unit of work.
 *
 * info = a state changed; warn = handled, but somebody should look; error = somebody must act.
 * Secrets are redacted by key; never put a token, password or registry credential into a message text.
 */
import pino from 'pino';

export type Log = pino.Logger;

export const redactedKeys = [
  'password',
  'token',
  'secret',
  'authorization',
  'x-auth-token',
  'x-subject-token',
  'credentials',
] as const;

export interface LogOptions {
  readonly level: string;
  /** File descriptor; 2 = stderr. */
  readonly fd?: number;
}

export function createLog(options: LogOptions): Log {
  const paths = redactedKeys.flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.*["${key}"]`]);
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
      redact: { paths, censor: '***' },
    },
    pino.destination({ fd: options.fd ?? 2, sync: true }),
  );
}

/** For tests and tools that have nothing to say. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}
