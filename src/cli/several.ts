/** The same work on several things that were named: all are tried, each failure is told, the exit code says it. */
import type { Call } from './define.ts';
import { exitCodes, explain } from './explain.ts';

/** At once: enough to hide the network, few enough for any server. */
const parallel = 8;

export function forEachOperand(
  call: Call,
  command: string,
  work: (operand: string) => Promise<string>,
): Promise<number> {
  return forEachOf(call.operands, call, command, work);
}

/** `work` returns what is said when it is done. */
export async function forEachOf<T>(
  things: readonly T[],
  call: Call,
  command: string,
  work: (thing: T) => Promise<string>,
): Promise<number> {
  const waiting = [...things];
  let code: number = exitCodes.done;
  const worker = async (): Promise<void> => {
    for (let thing = waiting.shift(); thing !== undefined; thing = waiting.shift()) {
      try {
        call.progress.note(await work(thing));
      } catch (error) {
        code = exitCodes.failed;
        call.progress.clear();
        for (const line of explain(error, command).lines) call.world.stderr.write(`${line}\n`);
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return code;
}
