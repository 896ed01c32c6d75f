/**
 * The doctor of a host's dataplane: part by part (a network, a router, the way out) it compares what is wanted with what
 * the kernel has, and with `repair` applies exactly what is missing, takes away what does not belong on our links and in
 * our tables, and looks again. A part is examined in its own turn, so that nobody changes it meanwhile.
 */
import type { Log } from '../../base/log.ts';
import type { Kernel, KernelStep } from '../../host/kernel.ts';
import { doctorNamespace } from '../../model/host-names.ts';
import type { Finding } from '../../wire/doctor.ts';
import { examine } from './examine.ts';
import type { Difference } from './state.ts';

export interface Part {
  readonly steps: readonly KernelStep[];
  /** What was seen besides the steps. */
  readonly also?: readonly Difference[];
}

export type { Finding };

export interface DoctorOptions {
  readonly kernel: Kernel;
  readonly instance: string;
  readonly log: Log;
}

export class Doctor {
  readonly #kernel: Kernel;
  readonly #scratch: string;
  readonly #log: Log;

  constructor({ kernel, instance, log }: DoctorOptions) {
    this.#kernel = kernel;
    this.#scratch = doctorNamespace(instance);
    this.#log = log;
  }

  /** `part` is asked again after a repair. */
  async visit(part: () => Promise<Part>, repair: boolean): Promise<Finding[]> {
    const wanted = await part();
    const before = await this.#look(wanted);
    if (before.length === 0) return [];
    const after = repair ? await this.#repair(wanted, before, part) : before;
    const left = new Set(after.map(keyOf));
    return distinct(before).map((difference) => ({
      where: difference.netns || 'host',
      text: difference.text,
      isRepaired: !left.has(keyOf(difference)),
    }));
  }

  /** What an earlier visit left when it was cut short. */
  async sweep(): Promise<void> {
    await this.#kernel.apply([{ do: 'delete-netns', name: this.#scratch }]);
  }

  async #look({ steps, also = [] }: Part): Promise<Difference[]> {
    return [...(await examine(this.#kernel, { steps, scratch: this.#scratch })), ...also];
  }

  async #repair(
    { steps }: Part,
    differences: readonly Difference[],
    part: () => Promise<Part>,
  ): Promise<Difference[]> {
    const fixes = new Set(differences.flatMap(({ fix }) => fix ?? []));
    // What is wanted in the order that makes it, then what does not belong there.
    const ordered = [
      ...steps.filter((step) => fixes.has(step)),
      ...[...fixes].filter((fix) => !steps.includes(fix)),
    ];
    for (const fix of ordered) {
      // One that fails must not keep the others from helping: the second look tells.
      await this.#kernel
        .apply([fix])
        .catch((error: unknown) => this.#log.warn({ error }, 'doctor: a repair failed'));
    }
    return this.#look(await part());
  }
}

const keyOf = ({ netns, text }: Difference) => `${netns} ${text}`;

/** A step that only waits for another one's cure says nothing. */
function distinct(differences: readonly Difference[]): Difference[] {
  const told = differences.filter(({ text }) => text !== '');
  return [...new Map(told.map((difference) => [keyOf(difference), difference])).values()];
}
