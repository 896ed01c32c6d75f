/**
 * Conversations over TCP that last, line by line, and tell how they end. Python has the sockets.
 *
 * The server's first line is the client's address as it sees it; after that it echoes.
 */
import { until } from './until.ts';
import { Running } from './wired-container.ts';

const server = `
import socket, sys, threading
def talk(s, peer):
    try:
        s.sendall((peer[0] + "\\n").encode())
        while data := s.recv(65536): s.sendall(data)
    except OSError: pass
    s.close()
family = socket.AF_INET6 if sys.argv[1] == "6" else socket.AF_INET
for port in sys.argv[2:]:
    l = socket.socket(family); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    l.bind(("", int(port))); l.listen(64)
    def serve(l=l):
        while True: threading.Thread(target=talk, args=l.accept(), daemon=True).start()
    threading.Thread(target=serve).start()
print("listening", flush=True)
`;

const client = `
import socket, sys, threading, os
try: s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)
except OSError: print("refused", flush=True); sys.exit()
s.settimeout(None)
print("connected", flush=True)
def read():
    try:
        for line in s.makefile(): print(line.strip(), flush=True)
        print("closed", flush=True)
    except OSError: print("reset", flush=True)
    os._exit(0)
threading.Thread(target=read, daemon=True).start()
for line in sys.stdin:
    try: s.sendall(line.encode())
    except OSError: break
`;

/** The command's words inside a namespace; undefined = where the test runs. */
export function inside(netns: string | undefined, ...command: readonly string[]): Running {
  const [file = '', ...args] = netns === undefined ? command : ['ip', 'netns', 'exec', netns, ...command];
  return new Running(file, args);
}

export async function serveTalk(
  netns: string | undefined,
  ports: readonly number[],
  version: 4 | 6 = 4,
): Promise<Running> {
  const running = inside(netns, '/usr/bin/python3', '-c', server, String(version), ...ports.map(String));
  await until('the server listens', async () => running.lines.includes('listening'));
  return running;
}

export class Talk {
  readonly #running: Running;
  #count = 0;

  private constructor(running: Running) {
    this.#running = running;
  }

  /** Undefined when there is no connection. */
  static async start(netns: string | undefined, address: string, port: number): Promise<Talk | undefined> {
    const running = inside(netns, '/usr/bin/python3', '-c', client, address, String(port));
    await until('an answer or none', async () => running.lines.length > 0);
    if (running.lines[0] === 'connected') {
      await until('the greeting', async () => running.lines.length > 1);
      return new Talk(running);
    }
    await running.stop();
    return undefined;
  }

  /** The client as the server sees it. */
  get seenAs(): string {
    return this.#running.lines[1] ?? '';
  }

  get hasEnded(): boolean {
    return this.#running.lines.some((line) => line === 'reset' || line === 'closed');
  }

  /** A word of so many letters there and back. */
  async echo(length = 1): Promise<void> {
    const word = this.say(length);
    await until('the echo', async () => this.#running.lines.includes(word), { patienceMs: 20_000 });
  }

  /** Sends a word and returns it, whatever becomes of it. */
  say(length = 1): string {
    this.#count += 1;
    const word = `word-${this.#count}-${'x'.repeat(length)}`;
    this.#running.say(word);
    return word;
  }

  heard(word: string): boolean {
    return this.#running.lines.includes(word);
  }

  stop(): Promise<void> {
    return this.#running.stop();
  }
}
