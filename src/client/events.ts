/** Server-Sent Events of containers, piece by piece → what was told. */

export interface ToldEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export class EventReader {
  readonly #onTold: (told: ToldEvent) => void;
  #rest = '';
  #last: string | undefined;

  constructor(onTold: (told: ToldEvent) => void) {
    this.#onTold = onTold;
  }

  /** To go on from; undefined = nothing was heard. */
  get last(): string | undefined {
    return this.#last;
  }

  push(text: string): void {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) this.#take(block);
  }

  #take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => fieldOf(line)));
    const [event, data] = [fields.get('event'), fields.get('data')];
    if (event !== undefined && data !== undefined) this.#onTold({ event, data: JSON.parse(data) });
    this.#last = fields.get('id') ?? this.#last;
  }
}

/** Comments have no name. */
function fieldOf(line: string): [string, string] {
  const at = line.indexOf(': ');
  return at < 1 ? ['', line] : [line.slice(0, at), line.slice(at + 2)];
}
