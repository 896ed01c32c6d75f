/** Stops a client of dockerd at a chosen call that changes something, so that it can be killed right there. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import { until } from './until.ts';

export interface GateOrders {
  readonly id: string;
  /** Which call of those that change something, from 1; 0 = none. */
  readonly call: number;
  readonly when: 'before' | 'after';
}

export class DockerGate {
  readonly dockerHost: string;
  readonly #machine: Machine;
  readonly #log: string;
  readonly #orders: string;
  #count = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#log = join(machine.disk, 'gate.log');
    this.#orders = join(machine.disk, 'gate.json');
    this.dockerHost = `unix://${join(machine.disk, 'gate.sock')}`;
  }

  async open(): Promise<void> {
    this.release();
    const socket = this.dockerHost.replace('unix://', '');
    const file = join(import.meta.dirname, 'docker-gate-process.ts');
    const upstream = this.#machine.dockerHost.replace('unix://', '');
    this.#machine.spawn(process.execPath, [file, socket, upstream, this.#orders], this.#log);
    await until('the gate is there', async () => existsSync(socket));
  }

  /** From now on; the calls are counted anew. */
  hold(call: number, when: GateOrders['when']): void {
    this.#count += 1;
    this.#write({ id: `hold-${this.#count}`, call, when });
  }

  release(): void {
    this.hold(0, 'before');
  }

  /** `POST /containers/…/start`, of the call that is held now. */
  held(): string | undefined {
    const lines = existsSync(this.#log) ? readFileSync(this.#log, 'utf8').split('\n') : [];
    const prefix = `hold-${this.#count} `;
    return lines.find((line) => line.startsWith(prefix))?.slice(prefix.length);
  }

  #write(orders: GateOrders): void {
    writeFileSync(`${this.#orders}.new`, JSON.stringify(orders));
    renameSync(`${this.#orders}.new`, this.#orders);
  }
}
