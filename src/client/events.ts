/** Server-Sent Events of containers → what was told. Pure. */

export interface ToldEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Told {
  readonly events: readonly ToldEvent[];
  /** To go on from; undefined = nothing was heard. */
  readonly last: string | undefined;
}

export function parseEvents(text: string): Told {
  const events: ToldEvent[] = [];
  let last: string | undefined;
  for (const block of text.split('\n\n')) {
    const fields = new Map(block.split('\n').map((line) => fieldOf(line)));
    last = fields.get('id') ?? last;
    const [event, data] = [fields.get('event'), fields.get('data')];
    if (event !== undefined && data !== undefined) events.push({ event, data: JSON.parse(data) });
  }
  return { events, last };
}

/** Comments have no name. */
function fieldOf(line: string): [string, string] {
  const at = line.indexOf(': ');
  return at < 1 ? ['', line] : [line.slice(0, at), line.slice(at + 2)];
}
