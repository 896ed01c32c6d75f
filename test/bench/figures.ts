/** Rows of the result: what was measured, beside what, and whether it is as good as it should be. */
import { renderTable } from '../../src/cli/output/table.ts';

/** `times`: ours / peer. */
export type Target =
  | { readonly atMost: number }
  | { readonly atLeast: number }
  | { readonly atMostTimes: number }
  | { readonly atLeastTimes: number };

export interface Figure {
  readonly what: string;
  readonly ours: number;
  readonly unit: string;
  readonly peer?: { readonly name: string; readonly value: number };
  /** Absent = to be known, not to be met. */
  readonly target?: Target;
  /** What was seen besides, for people. */
  readonly besides?: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
}

export function isMet({ ours, peer, target }: Figure): boolean {
  if (!target) return true;
  const times = ours / (peer?.value ?? Number.NaN);
  if ('atMost' in target) return ours <= target.atMost;
  if ('atLeast' in target) return ours >= target.atLeast;
  return 'atMostTimes' in target ? times <= target.atMostTimes : times >= target.atLeastTimes;
}

const head = ['what', 'ours', 'peer', 'ratio', 'target', 'ok', 'besides'];

export function tableOf(figures: readonly Figure[]): string {
  return renderTable({ head: head.map((title) => title.toUpperCase()), body: figures.map(cellsOf) });
}

/** The same for a README. */
export function markdownOf(figures: readonly Figure[]): string {
  const rows = [head, head.map(() => '---'), ...figures.map(cellsOf)];
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function cellsOf(figure: Figure): string[] {
  const { what, ours, unit, peer } = figure;
  return [
    what,
    `${rounded(ours)} ${unit}`,
    peer ? `${rounded(peer.value)} ${unit} (${peer.name})` : '',
    peer ? `${rounded(ours / peer.value)}×` : '',
    targetText(figure),
    figure.target ? (isMet(figure) ? 'yes' : 'NO') : '',
    figure.besides ?? '',
  ];
}

function targetText({ target, unit }: Figure): string {
  if (!target) return '';
  if ('atMost' in target) return `≤ ${target.atMost} ${unit}`;
  if ('atLeast' in target) return `≥ ${target.atLeast} ${unit}`;
  return 'atMostTimes' in target ? `≤ ${target.atMostTimes}×` : `≥ ${target.atLeastTimes}×`;
}

/** Three digits that count. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
