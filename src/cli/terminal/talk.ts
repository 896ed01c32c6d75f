/**
 * Our terminal and a console of a container, put together until the console ends.
 *
 * A terminal on the other side gets what is typed as it is typed, and our size whenever that changes; ours then is in raw mode, and is put
 * back however this ends. Without one, lines go as our own terminal hands them over.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { rootCertificates } from 'node:tls';
import { type RawData, WebSocket } from 'ws';
import type { TerminalSize } from '../../client/container-types.ts';
import { Failure, isFailureCode } from '../../model/failure.ts';
import type { TlsOptions } from '../cloud/http-fetch.ts';

export interface Talk {
  readonly url: string;
  readonly tls: TlsOptions;
  /** Of the terminal on the other side; absent = there is none. */
  readonly resize?: (size: TerminalSize) => Promise<void>;
}

/** What may wait to be sent while we go on reading what is typed. */
const waitingLimitBytes = 1 << 20;
const signals = { SIGHUP: 1, SIGTERM: 15 } as const;

/** How it ended, in the service's words. Throws `unavailable` when that was no good end. */
export async function talk(ask: Talk): Promise<string> {
  const socket = await open(ask);
  const keyboard = takeKeyboard(socket, ask.resize !== undefined);
  const screen = followSize(ask.resize);
  socket.on('message', (data: RawData) => {
    if (process.stdout.write(data as Buffer)) return;
    socket.pause();
    process.stdout.once('drain', () => socket.resume());
  });
  try {
    const { code, reason } = await new Promise<{ code: number; reason: string }>((resolve) => {
      socket.once('close', (status, why) => resolve({ code: status, reason: String(why) }));
    });
    if (code === 1000) return reason;
    throw new Failure('unavailable', reason || 'the connection broke');
  } finally {
    keyboard.giveBack();
    screen.leave();
  }
}

async function open({ url, tls }: Talk): Promise<WebSocket> {
  const socket = new WebSocket(url, ['binary'], {
    headers: { 'user-agent': 'berth' },
    perMessageDeflate: false,
    ...(tls.cacert ? { ca: [...rootCertificates, readFileSync(tls.cacert, 'utf8')] } : {}),
    ...(tls.insecure ? { rejectUnauthorized: false } : {}),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_request, answer) => {
      refusalOf(answer).then(reject, reject);
    });
    socket.on('error', (error) => {
      reject(
        new Failure('unavailable', `cannot reach ${new URL(url).origin}: ${error.message}`, { cause: error }),
      );
    });
  });
  return socket;
}

async function refusalOf(answer: IncomingMessage): Promise<Failure> {
  const said = await text(answer);
  try {
    const [{ code = '', title = '' }] = (JSON.parse(said) as { errors: [{ code?: string; title?: string }] })
      .errors;
    const name = code.replace(/^container\./, '').replace(/-remote$/, '');
    if (isFailureCode(name)) return new Failure(name, title, { remote: true });
  } catch {
    // Some proxy's own words: the status has to do.
  }
  return new Failure('unavailable', `the console answers ${answer.statusCode} ${answer.statusMessage}`);
}

function takeKeyboard(socket: WebSocket, isRaw: boolean): { giveBack(): void } {
  const { stdin } = process;
  const setRaw = (raw: boolean) => {
    if (!isRaw || !stdin.isTTY) return;
    stdin.setRawMode(raw);
    // Node's raw mode still makes "\r\n" of each "\n", which programs that paint the screen mean otherwise. Back, it is as it was before.
    if (raw) spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
  };
  const hear = (chunk: Buffer) => {
    socket.send(chunk, () => {
      if (stdin.isPaused() && socket.readyState === socket.OPEN && socket.bufferedAmount < waitingLimitBytes)
        stdin.resume();
    });
    if (socket.bufferedAmount >= waitingLimitBytes) stdin.pause();
  };
  const handlers = Object.entries(signals).map(([signal, number]) => {
    const leave = () => {
      setRaw(false);
      process.exit(128 + number);
    };
    process.once(signal, leave);
    return () => process.off(signal, leave);
  });
  setRaw(true);
  stdin.on('data', hear);
  return {
    giveBack() {
      setRaw(false);
      stdin.off('data', hear);
      stdin.pause();
      for (const forget of handlers) forget();
    },
  };
}

/** A terminal that cannot be told our size keeps its own. */
function followSize(resize: Talk['resize']): { leave(): void } {
  const { stdout } = process;
  const tell = () => {
    void resize?.({ rows: stdout.rows, columns: stdout.columns }).catch(() => undefined);
  };
  if (resize && stdout.isTTY) {
    tell();
    stdout.on('resize', tell);
  }
  return { leave: () => stdout.off('resize', tell) };
}
