/** Tables with a frame. Apart from the rest because the library is loaded only when a table is printed. */
import { styleText } from 'node:util';
import CliTable from 'cli-table3';

export type Paint = 'green' | 'yellow' | 'red' | 'dim';

export interface TableText {
  readonly head: readonly string[];
  /** Already printable. */
  readonly body: readonly (readonly string[])[];
  /** Per column; absent = no colours. */
  readonly paint?: readonly (((text: string) => Paint | undefined) | undefined)[];
}

export function renderTable({ head, body, paint }: TableText): string {
  const table = new CliTable({
    head: [...head],
    // The library colours heads and borders even into a pipe unless told otherwise.
    style: { head: [], border: [] },
    // Lines between rows only make long lists longer.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  // The head's own rule goes with the lines between rows, so it is put back as the body's first line.
  table.push(...body.map((row) => row.map((cell, index) => painted(cell, paint?.[index]))));
  return withRule(table.toString());
}

function painted(cell: string, paint: ((text: string) => Paint | undefined) | undefined): string {
  const colour = paint?.(cell);
  return colour ? styleText(colour, cell, { validateStream: false }) : cell;
}

/** Puts a rule below the head: the top border with its corners changed. */
function withRule(text: string): string {
  const [top = '', head = '', ...rest] = text.split('\n');
  const rule = top.replace('┌', '├').replaceAll('┬', '┼').replace('┐', '┤');
  return [top, head, rule, ...rest].join('\n');
}
