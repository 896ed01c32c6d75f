/** The same work on several things that were named: all are tried, each failure is told, the exit code says it. */
import type { Call } from './define.ts';
import { exitCodes, explain } from './explain.ts';

/** At once: enough to hide the network, few enough for any server. */
const parallel = 8;

export async function forEachOperand(
  call: Call,
  command: string,
  work: (operand: string) => Promise<string>,
): Promise<number> {
  const waiting = [...call.operands];
  let code: number = exitCodes.done;
  const worker = async (): Promise<void> => {
    for (let operand = waiting.shift(); operand !== undefined; operand = waiting.shift()) {
      try {
        call.progress.note(await work(operand));
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
