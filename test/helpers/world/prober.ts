/** Drives ./prober.py: sends probes between the places of a world and collects what arrives where. */
import { join } from 'node:path';
import { Running } from '../wired-container.ts';
import type { Place } from './model.ts';
import type { Packet } from './packet.ts';

export interface Probe {
  readonly sender: Place;
  readonly packet: Packet;
}

/** What was seen of one probe: where it arrived, as from whom, and whether the answer came back. */
export interface Seen {
  readonly arrived: ReadonlySet<string>;
  readonly isAnswered: boolean;
}

interface Event {
  readonly seen?: readonly (readonly ['arrived', number, Place, string] | readonly ['answered', number])[];
}

export class Prober {
  readonly #python = new Running('/usr/bin/python3', [join(import.meta.dirname, 'prober.py')]);
  readonly #seen = new Map<number, { arrived: Set<string>; isAnswered: boolean }>();
  #read = 0;
  #last = 0;
  #isOver = false;

  constructor() {
    void this.#python.ended.then(() => {
      this.#isOver = true;
    });
  }

  /** `netns`: a name under /run/netns; undefined = where this process is. */
  open(place: Place, netns: string | undefined): void {
    this.#say({ do: 'open', place, netns: netns === undefined ? null : `/run/netns/${netns}` });
  }

  close(place: Place): void {
    this.#say({ do: 'close', place });
  }

  /** Sends all; the number of the first, the others follow. */
  send(probes: readonly Probe[]): number {
    const first = this.#last + 1;
    this.#last += probes.length;
    const lines = probes.map(({ sender, packet }, index) => {
      const { protocol, to, port, sourcePort } = packet;
      return [first + index, sender, protocol, to, port, sourcePort];
    });
    this.#say({ do: 'send', probes: lines });
    return first;
  }

  seen(number: number): Seen {
    this.#collect();
    return this.#seen.get(number) ?? { arrived: new Set(), isAnswered: false };
  }

  /** Connections under way are given up, and what was seen is forgotten. */
  end(): void {
    this.#say({ do: 'end' });
    this.#collect();
    this.#seen.clear();
  }

  stop(): Promise<void> {
    return this.#python.stop();
  }

  #say(order: object): void {
    this.#python.say(JSON.stringify(order));
  }

  #collect(): void {
    const { lines } = this.#python;
    if (this.#isOver) throw new Error('the prober ended');
    for (; this.#read < lines.length; this.#read += 1) {
      for (const event of (JSON.parse(lines[this.#read] ?? '{}') as Event).seen ?? []) {
        const number = event[1];
        const known = this.#seen.get(number) ?? { arrived: new Set<string>(), isAnswered: false };
        this.#seen.set(number, known);
        if (event[0] === 'answered') known.isAnswered = true;
        else known.arrived.add(`${event[2]} from ${event[3]}`);
      }
    }
  }
}
