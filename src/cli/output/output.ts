/**
 * Results on stdout, in the format that was asked for with `-f` and the columns that were asked for with `-c`.
 *
 * A list prints its columns in a table; `json` and `yaml` print whole objects unless columns were named.
 * Any field of an object can be named as a column, also one that the table does not show by itself.
 */
import { UsageError } from '../usage-error.ts';
import type { TextStream } from '../world.ts';
import type { Paint } from './table.ts';
import { printable, textOf } from './text.ts';

export const formats = ['table', 'json', 'yaml', 'value', 'csv'] as const;
export type Format = (typeof formats)[number];

export type Row = Readonly<Record<string, unknown>>;

export interface Column {
  /** The field of the row. */
  readonly key: string;
  /** The key in capitals unless told. */
  readonly title?: string;
  /** How the value reads; the field as text unless told. Used by `table`, `value` and `csv`. */
  readonly text?: (row: Row) => string;
  /** Colours a cell, on terminals only. */
  readonly paint?: (text: string) => Paint | undefined;
}

export interface OutputOptions {
  readonly format?: Format;
  /** Keys or titles, in the order wanted. */
  readonly column?: readonly string[];
}

export class Output {
  readonly #stream: TextStream;
  readonly #options: OutputOptions;
  readonly #colour: boolean;

  constructor(stream: TextStream, options: OutputOptions, colour: boolean) {
    this.#stream = stream;
    this.#options = options;
    this.#colour = colour;
  }

  /** Text as it is, for example a container's log. */
  raw(text: string): void {
    this.#stream.write(text);
  }

  line(text: string): void {
    this.#stream.write(`${printable(text)}\n`);
  }

  async list(columns: readonly Column[], rows: readonly Row[]): Promise<void> {
    const chosen = this.#choose(columns, rows);
    switch (this.#options.format ?? 'table') {
      case 'json':
        return this.#json(rows.map((row) => this.#pick(chosen, row)));
      case 'yaml':
        return this.#yaml(rows.map((row) => this.#pick(chosen, row)));
      case 'value':
        for (const row of rows) this.line(cells(chosen, row).join(' '));
        return;
      case 'csv':
        for (const line of [chosen.map(titleOf), ...rows.map((row) => cells(chosen, row))]) {
          this.raw(`${line.map(quoteCsv).join(',')}\n`);
        }
        return;
      case 'table': {
        const { renderTable } = await import('./table.ts');
        const body = rows.map((row) => cells(chosen, row).map(printable));
        const paint = chosen.map((column) => (this.#colour ? column.paint : undefined));
        this.raw(`${renderTable({ head: chosen.map(titleOf), body, paint })}\n`);
      }
    }
  }

  /**
   * One object, field by field. `text` tells how fields read that are not plain; a list among `perLine` has a line of the table for
   * each of its items.
   */
  async record(
    object: Row,
    text: Readonly<Record<string, (row: Row) => string>> = {},
    perLine: readonly string[] = [],
  ): Promise<void> {
    // Links are for programs; as a table's longest line they would only push the rest apart.
    const isTable = (this.#options.format ?? 'table') === 'table';
    const keys = Object.keys(object).filter((key) => !isTable || key !== 'links');
    const fields = keys.map((key) => ({ key, ...(text[key] ? { text: text[key] } : {}) }));
    const chosen = this.#choose(fields, [object]);
    switch (this.#options.format ?? 'table') {
      case 'json':
        return this.#json(this.#pick(chosen, object));
      case 'yaml':
        return this.#yaml(this.#pick(chosen, object));
      case 'value':
        for (const cell of cells(chosen, object)) this.line(cell);
        return;
      case 'csv':
        return this.list(chosen, [object]);
      case 'table': {
        const { renderTable } = await import('./table.ts');
        const values = cells(chosen, object);
        const body = chosen.flatMap(({ key }, index) => {
          const items = perLine.includes(key) ? (object[key] as readonly unknown[]).map(textOf) : [];
          const lines = items.length > 0 ? items : [values[index] ?? ''];
          return lines.map((line, at) => [at === 0 ? key : '', printable(line)]);
        });
        this.raw(`${renderTable({ head: ['FIELD', 'VALUE'], body })}\n`);
      }
    }
  }

  #choose(columns: readonly Column[], rows: readonly Row[]): readonly Column[] {
    const names = this.#options.column;
    if (!names?.length) return columns;
    return names.map((name) => {
      const wanted = name.toLowerCase();
      const shown = columns.find((column) => [column.key, titleOf(column).toLowerCase()].includes(wanted));
      if (shown) return shown;
      const known = Object.keys(rows[0] ?? {});
      if (rows.length === 0 || known.includes(name)) return { key: name };
      throw new UsageError(`there is no column ${name}; there are ${known.join(', ')}`);
    });
  }

  #pick(columns: readonly Column[], row: Row): Row {
    if (!this.#options.column?.length) return row;
    return Object.fromEntries(columns.map(({ key }) => [key, row[key] ?? null]));
  }

  #json(value: unknown): void {
    this.raw(`${JSON.stringify(value, null, 2)}\n`);
  }

  async #yaml(value: unknown): Promise<void> {
    const { toYaml } = await import('../yaml.ts');
    this.raw(toYaml(value));
  }
}

function titleOf(column: Column): string {
  return column.title ?? column.key.replaceAll('_', ' ').toUpperCase();
}

function cells(columns: readonly Column[], row: Row): string[] {
  return columns.map((column) => column.text?.(row) ?? textOf(row[column.key]));
}

function quoteCsv(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
