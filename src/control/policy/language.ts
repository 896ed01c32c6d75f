/**
 * oslo.policy's rule language → a checked tree. Pure; every mistake is refused with its column.
 *
 * `rule:x`, `role:x`, `<attribute of the caller>:<text or %(attribute of the object)s>`, `'literal':%(…)s`, `@` (always),
 * `!` (never), `not` before `and` before `or`, parentheses; and the older list form, `[["a:b", "c:d"], ["e:f"]]` = (a and c) or e.
 * Checks by HTTP are refused: a policy must not wait for anybody. Attributes are a closed list, because a misspelt one would
 * silently mean "never", or "always" behind a `not`.
 */
import { Failure } from '../../model/failure.ts';

/** What a rule may ask of the caller. `only_reader`: the role `reader` and no other. */
export const callerAttributes = [
  'user_id',
  'user_name',
  'user_domain_id',
  'project_id',
  'project_name',
  'project_domain_id',
  'roles',
  'is_admin',
  'is_admin_project',
  'only_reader',
  'system_scope',
  'domain_id',
] as const;
export type CallerAttribute = (typeof callerAttributes)[number];

/** What a rule may ask of the object. */
export const targetAttributes = [
  'project_id',
  'user_id',
  'uuid',
  'name',
  'status',
  'host',
  'network:project_id',
] as const;
export type TargetAttribute = (typeof targetAttributes)[number];

/** As Neutron's older rules have it. */
const spelledToday: Readonly<Record<string, string>> = {
  tenant_id: 'project_id',
  'network:tenant_id': 'network:project_id',
};

/** Text with places for the object's attributes. */
export type Template = readonly (string | { readonly attribute: TargetAttribute })[];

export type Check =
  | { readonly kind: 'always' | 'never' }
  | { readonly kind: 'not'; readonly check: Check }
  | { readonly kind: 'and' | 'or'; readonly checks: readonly Check[] }
  | { readonly kind: 'rule'; readonly text: string; readonly name: string }
  | { readonly kind: 'role'; readonly text: string; readonly is: Template }
  | {
      readonly kind: 'caller';
      readonly text: string;
      readonly attribute: CallerAttribute;
      readonly is: Template;
    }
  | { readonly kind: 'literal'; readonly text: string; readonly value: string; readonly is: Template };

interface Token {
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

const longestRule = 8_192;
const deepestRule = 50;
const mostChecks = 500;
const tokenPattern = /[()]|(?:'[^']*'|"[^"]*"|%\([^()\s]*\)s|[^\s()])+/y;

/** Throws `invalid-value` saying what is wrong and in which column. */
export function parseRule(rule: unknown): Check {
  if (typeof rule === 'string') return parseText(rule);
  if (Array.isArray(rule)) return parseList(rule);
  throw new Failure(
    'invalid-value',
    `expected a text or a list of lists, not ${JSON.stringify(rule) ?? 'nothing'}`,
  );
}

function parseText(text: string): Check {
  if (text.trim() === '') return { kind: 'always' };
  if (text.length > longestRule) {
    throw new Failure(
      'invalid-value',
      `a rule has at most ${longestRule} characters, this one ${text.length}`,
    );
  }
  const tokens = tokensOf(text);
  const reader = new Reader(tokens, text.length + 1);
  return reader.whole();
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at] ?? '')) {
      at += 1;
      continue;
    }
    tokenPattern.lastIndex = at;
    const found = tokenPattern.exec(text)?.[0] ?? '';
    tokens.push({ text: found, column: at + 1 });
    at += found.length;
  }
  if (tokens.length > mostChecks) {
    throw new Failure('invalid-value', `a rule has at most ${mostChecks} words, this one ${tokens.length}`);
  }
  return tokens;
}

/** Recursive descent; `depth` bounds the recursion. */
class Reader {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #at = 0;

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens;
    this.#end = end;
  }

  whole(): Check {
    const check = this.#either(0);
    const rest = this.#peek();
    if (rest)
      throw wrong(rest.column, `${quoted(rest.text)} is one too many: expected "and" or "or" before it`);
    return check;
  }

  #either(depth: number): Check {
    return this.#chain('or', () => this.#both(depth));
  }

  #both(depth: number): Check {
    return this.#chain('and', () => this.#one(depth));
  }

  #chain(kind: 'and' | 'or', next: () => Check): Check {
    const checks = [next()];
    while (this.#peek()?.text.toLowerCase() === kind) {
      this.#at += 1;
      checks.push(next());
    }
    const [first] = checks;
    return first && checks.length === 1 ? first : { kind, checks };
  }

  #one(depth: number): Check {
    const token = this.#peek();
    if (!token) throw wrong(this.#end, 'it ends where a check should follow');
    if (depth > deepestRule) throw wrong(token.column, `nested deeper than ${deepestRule} levels`);
    this.#at += 1;
    if (token.text.toLowerCase() === 'not') return { kind: 'not', check: this.#one(depth + 1) };
    if (token.text !== '(') return parseCheck(token);
    const inner = this.#either(depth + 1);
    const close = this.#peek();
    if (close?.text !== ')')
      throw wrong(close?.column ?? this.#end, `")" is missing for "(" in column ${token.column}`);
    this.#at += 1;
    return inner;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }
}

/** The outer list is "or", inner ones are "and"; a text in the outer list stands for a list of one. */
function parseList(list: readonly unknown[]): Check {
  if (list.length === 0) return { kind: 'always' };
  if (list.length > mostChecks) throw new Failure('invalid-value', `a list has at most ${mostChecks} parts`);
  const checks = list
    .map((inner) => (Array.isArray(inner) ? inner : [inner]))
    .filter((inner) => inner.length > 0)
    .map((inner): Check => ({ kind: 'and', checks: inner.map(parseElement) }));
  return checks.length === 0 ? { kind: 'never' } : { kind: 'or', checks };
}

function parseElement(element: unknown): Check {
  if (typeof element === 'string' && element.length <= longestRule)
    return parseCheck({ text: element, column: 1 });
  throw new Failure(
    'invalid-value',
    `a list holds checks such as "role:admin", not ${JSON.stringify(element)}`,
  );
}

function parseCheck({ text, column }: Token): Check {
  if (text === '@') return { kind: 'always' };
  if (text === '!') return { kind: 'never' };
  const [, subject = '', match = ''] = /^('[^']*'|"[^"]*"|[^:]*):(.*)$/s.exec(text) ?? [];
  if (subject === '' || match === '')
    throw wrong(column, `${quoted(text)} is no check: expected such as "role:admin"`);
  if (subject === 'rule') return { kind: 'rule', text, name: match };
  if (subject === 'http' || subject === 'https') {
    throw wrong(column, `${quoted(text)}: checks by HTTP are not offered`);
  }
  const is = parseTemplate(match, column + subject.length + 1);
  if (subject === 'role') return { kind: 'role', text, is };
  const literal = literalOf(subject);
  if (literal !== undefined) return { kind: 'literal', text, value: literal, is };
  const attribute = callerAttributes.find((known) => known === (spelledToday[subject] ?? subject));
  if (attribute) return { kind: 'caller', text, attribute, is };
  throw wrong(
    column,
    `a caller has no attribute ${quoted(subject)}: known are ${callerAttributes.join(', ')}`,
  );
}

/** As Python writes constants. */
function literalOf(text: string): string | undefined {
  if (/^(['"]).*\1$/.test(text)) return text.slice(1, -1);
  return /^(True|False|None|-?\d+)$/.test(text) ? text : undefined;
}

function parseTemplate(text: string, column: number): Template {
  const bare = /^(['"])(.*)\1$/s.exec(text)?.[2] ?? text;
  return bare
    .split(/(%\([^()]*\)s)/)
    .filter((part) => part !== '')
    .map((part) => {
      const [, name] = /^%\(([^()]*)\)s$/.exec(part) ?? [];
      if (name === undefined) return part;
      const attribute = targetAttributes.find((known) => known === (spelledToday[name] ?? name));
      if (attribute) return { attribute };
      throw wrong(
        column,
        `an object has no attribute ${quoted(name)}: known are ${targetAttributes.join(', ')}`,
      );
    });
}

/** Names of the rules that a rule asks, each once. */
export function rulesIn(check: Check): string[] {
  if (check.kind === 'rule') return [check.name];
  if (check.kind === 'not') return rulesIn(check.check);
  if (check.kind === 'and' || check.kind === 'or') return [...new Set(check.checks.flatMap(rulesIn))];
  return [];
}

/** Whether it asks this of the caller, not counting what the rules it names ask. */
export function asksCaller(check: Check, attribute: CallerAttribute): boolean {
  if (check.kind === 'caller') return check.attribute === attribute;
  if (check.kind === 'not') return asksCaller(check.check, attribute);
  return (
    (check.kind === 'and' || check.kind === 'or') && check.checks.some((each) => asksCaller(each, attribute))
  );
}

function wrong(column: number, why: string): Failure {
  return new Failure('invalid-value', `column ${column}: ${why}`);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
