/**
 * Streams that count: numbered datagrams at a steady pace and back again, and bytes over one TCP connection and back.
 * Loss of a single packet shows in the first, a reset in the second.
 */
import { inside } from './talk.ts';
import { until } from './until.ts';
import type { Running } from './wired-container.ts';

/** Buffers are as large as a busy machine needs: nothing may get lost but on the way. */
const common = `
import socket, sys, threading, time, select
def roomy(s):
    for option in (32, 33): s.setsockopt(socket.SOL_SOCKET, option, 1 << 23)
    return s
`;

const server = `${common}
port = int(sys.argv[1])
u = roomy(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)); u.bind(("", port))
def datagrams():
    while True:
        data, peer = u.recvfrom(2048)
        u.sendto(data, peer)
def echo(s):
    while data := s.recv(65536): s.sendall(data)
t = socket.socket(); t.bind(("", port)); t.listen()
threading.Thread(target=datagrams).start()
print("listening", flush=True)
while True: threading.Thread(target=echo, args=(t.accept()[0],)).start()
`;

const client = `${common}
peer = (sys.argv[1], int(sys.argv[2]))
u = roomy(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)); u.connect(peer)
t = socket.create_connection(peer, 10)
stopping = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), stopping.set()), daemon=True).start()
back, state = set(), {"sent": 0, "pushed": 0, "pulled": 0, "end": ""}
def hear():
    u.settimeout(0.2)
    quiet = 0
    while quiet < 10:
        try: back.add(u.recv(2048)); quiet = 0
        except socket.timeout: quiet += stopping.is_set()
def pull():
    try:
        while data := t.recv(65536): state["pulled"] += len(data)
    except OSError as error: state["end"] = str(error)
listener, puller = threading.Thread(target=hear), threading.Thread(target=pull)
listener.start(); puller.start()
print("flowing", flush=True)
while not stopping.is_set():
    u.send(str(state["sent"]).encode()); state["sent"] += 1
    try: t.sendall(b"x" * 2000); state["pushed"] += 2000
    except OSError as error: state["end"] = str(error); break
    time.sleep(0.002)
t.shutdown(socket.SHUT_WR) if not state["end"] else None
listener.join(); puller.join(20)
print("sent", state["sent"], "back", len(back), "pushed", state["pushed"], "pulled", state["pulled"], state["end"] or "whole", flush=True)
`;

export async function serveStream(netns: string, port: number): Promise<Running> {
  const running = inside(netns, '/usr/bin/python3', '-c', server, String(port));
  await until('the server listens', async () => running.lines.includes('listening'));
  return running;
}

export interface StreamResult {
  readonly sent: number;
  /** Datagrams that did not come back. */
  readonly lost: number;
  /** Bytes that did not come back. */
  readonly missing: number;
  /** `whole`, or how the connection broke. */
  readonly end: string;
}

export class Stream {
  readonly #running: Running;

  private constructor(running: Running) {
    this.#running = running;
  }

  static async start(netns: string | undefined, address: string, port: number): Promise<Stream> {
    const running = inside(netns, '/usr/bin/python3', '-c', client, address, String(port));
    await until('the stream flows', async () => running.lines.includes('flowing'));
    return new Stream(running);
  }

  async finish(): Promise<StreamResult> {
    this.#running.say('stop');
    const line = await until('the count', async () =>
      this.#running.lines.find((one) => one.startsWith('sent ')),
    );
    const [, sent = 0, , back = 0, , pushed = 0, , pulled = 0] = line.split(' ').map(Number);
    const end = line.split(' ').slice(8).join(' ');
    return { sent, lost: sent - back, missing: pushed - pulled, end };
  }

  stop(): Promise<void> {
    return this.#running.stop();
  }
}
