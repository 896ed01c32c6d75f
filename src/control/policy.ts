/**
 * Who may do what in the APIs of containers and networks: the rules of ./policy/defaults.ts with the operator's own over them.
 *
 * Everything is checked when it is made: what cannot be parsed, names a rule that does not exist, or asks itself in a circle,
 * is refused there, so that no request ever meets a broken rule.
 */
import type { Caller } from '../model/caller.ts';
import { Failure } from '../model/failure.ts';
import { defaultRules, isPolicyRule, type PolicyRule } from './policy/defaults.ts';
import { compile, type Judge, type PolicyTarget, type Reason, reasonsOf } from './policy/judge.ts';
import { asksCaller, type Check, parseRule, rulesIn } from './policy/language.ts';

export type { PolicyRule, PolicyTarget };

/** Rule → its text (or list of lists), as `policy.yaml` has it. */
export type PolicyOverrides = Readonly<Record<string, unknown>>;

export interface ListedRule {
  readonly rule: string;
  readonly text: string;
  readonly isDefault: boolean;
}

export interface Explanation {
  readonly rule: PolicyRule;
  readonly text: string;
  readonly allowed: boolean;
  readonly reasons: readonly Reason[];
}

/** `rule` = the one to blame. */
export class PolicyMistake extends Failure {
  readonly rule: string;

  constructor(rule: string, why: string) {
    super('invalid-value', `rule ${JSON.stringify(rule)}: ${why}`);
    this.rule = rule;
  }
}

export class Policy {
  /** Names of overrides that are no rule of ours and that no rule asks: misspelt, most likely. */
  readonly unknown: readonly string[];
  readonly #texts: ReadonlyMap<string, unknown>;
  readonly #checks = new Map<string, Check>();
  readonly #judges = new Map<string, Judge>();
  readonly #overridden: ReadonlySet<string>;

  /** Throws PolicyMistake. */
  constructor(overrides: PolicyOverrides = {}) {
    this.#texts = new Map([...Object.entries(defaultRules), ...Object.entries(overrides)]);
    this.#overridden = new Set(Object.keys(overrides));
    for (const [rule, text] of this.#texts) this.#checks.set(rule, parseOf(rule, text));
    for (const rule of this.#checks.keys()) assertSound(rule, this.#checks);
    for (const [rule, check] of this.#checks)
      this.#judges.set(
        rule,
        compile(check, (name) => this.#judgeOf(name)),
      );
    const asked = new Set([...this.#checks.values()].flatMap(rulesIn));
    this.unknown = Object.keys(overrides).filter((rule) => !isPolicyRule(rule) && !asked.has(rule));
  }

  allows(caller: Caller, rule: PolicyRule, target?: PolicyTarget): boolean {
    return this.#judgeOf(rule)(caller, target ?? caller);
  }

  /** Throws `policy-not-authorized` (403) in Zun's words. */
  enforce(caller: Caller, rule: PolicyRule, target?: PolicyTarget): void {
    if (this.allows(caller, rule, target)) return;
    throw new Failure('policy-not-authorized', `Policy doesn't allow ${rule} to be performed.`);
  }

  /** The caller with `isAdmin` as the rule `context_is_admin` has it. */
  recognise(caller: Caller): Caller {
    if (!this.#overridden.has('context_is_admin')) return caller;
    return { ...caller, isAdmin: this.allows(caller, 'context_is_admin') };
  }

  isDefault(rule: PolicyRule): boolean {
    return !this.#overridden.has(rule);
  }

  /** All rules, in the order of the defaults, then the operator's own. */
  list(): ListedRule[] {
    return [...this.#texts].map(([rule, text]) => ({
      rule,
      text: textOf(text),
      isDefault: !this.#overridden.has(rule),
    }));
  }

  explain(caller: Caller, rule: PolicyRule, target: PolicyTarget = caller): Explanation {
    const find = (name: string): Check => this.#checks.get(name) ?? { kind: 'never' };
    return {
      rule,
      text: textOf(this.#texts.get(rule)),
      allowed: this.allows(caller, rule, target),
      reasons: reasonsOf(rule, { caller, target, find }),
    };
  }

  #judgeOf(rule: string): Judge {
    return this.#judges.get(rule) ?? (() => false);
  }
}

function parseOf(rule: string, text: unknown): Check {
  try {
    return parseRule(text);
  } catch (error) {
    throw error instanceof Failure ? new PolicyMistake(rule, error.message) : error;
  }
}

/** Every rule that it asks exists, and none leads back to it. */
function assertSound(rule: string, checks: ReadonlyMap<string, Check>): void {
  const seen = new Set<string>();
  const follow = (at: string, path: readonly string[]): void => {
    const check = checks.get(at);
    if (!check) throw new PolicyMistake(rule, `it asks rule:${at}, which does not exist`);
    if (path.includes(at)) throw new PolicyMistake(rule, `it asks itself: ${[...path, at].join(' → ')}`);
    if (rule === 'context_is_admin' && asksCaller(check, 'is_admin')) {
      throw new PolicyMistake(rule, 'it asks is_admin, which is what this rule decides');
    }
    if (seen.has(at)) return;
    seen.add(at);
    for (const next of rulesIn(check)) follow(next, [...path, at]);
  };
  follow(rule, []);
}

function textOf(text: unknown): string {
  return typeof text === 'string' ? text : JSON.stringify(text);
}
