/** Parsed rules → functions that judge a caller, compiled once; and the same with the reasons, for people. */
import { type Caller, mayOnlyRead } from '../../model/caller.ts';
import type { CallerAttribute, Check, TargetAttribute, Template } from './language.ts';

/** What a rule is asked about. */
export interface PolicyTarget {
  readonly projectId: string;
  readonly userId?: string;
  readonly uuid?: string;
  readonly name?: string | null;
  readonly status?: string;
  readonly host?: string | null;
  /** Of a part of a network: whose the network is. */
  readonly networkProjectId?: string;
}

export type Judge = (caller: Caller, target: PolicyTarget) => boolean;

/** Values as Python prints them; undefined = there is none, which equals nothing. */
type Value = string | undefined;

const python = (value: boolean) => (value ? 'True' : 'False');

const ofCaller: Record<Exclude<CallerAttribute, 'roles'>, (caller: Caller) => Value> = {
  user_id: ({ userId }) => userId,
  user_name: ({ userName }) => userName,
  user_domain_id: ({ userDomainId }) => userDomainId,
  project_id: ({ projectId }) => projectId,
  project_name: ({ projectName }) => projectName,
  project_domain_id: ({ projectDomainId }) => projectDomainId,
  is_admin: ({ isAdmin }) => python(isAdmin),
  is_admin_project: () => 'True',
  only_reader: (caller) => python(mayOnlyRead(caller)),
  // Tokens here are scoped to a project, always.
  system_scope: () => undefined,
  domain_id: () => undefined,
};

const ofTarget: Record<TargetAttribute, (target: PolicyTarget) => Value> = {
  project_id: ({ projectId }) => projectId,
  user_id: ({ userId }) => userId,
  uuid: ({ uuid }) => uuid,
  name: ({ name }) => name ?? undefined,
  status: ({ status }) => status,
  host: ({ host }) => host ?? undefined,
  'network:project_id': ({ networkProjectId }) => networkProjectId,
};

function fill(template: Template, target: PolicyTarget): Value {
  let text = '';
  for (const part of template) {
    const value = typeof part === 'string' ? part : ofTarget[part.attribute](target);
    if (value === undefined) return undefined;
    text += value;
  }
  return text;
}

function valuesOf(attribute: CallerAttribute, caller: Caller): readonly Value[] {
  return attribute === 'roles' ? caller.roles : [ofCaller[attribute](caller)];
}

/** `find` gives the compiled judge of a rule when it is asked, so that rules may come in any order. */
export function compile(check: Check, find: (name: string) => Judge): Judge {
  switch (check.kind) {
    case 'always':
      return () => true;
    case 'never':
      return () => false;
    case 'not': {
      const judge = compile(check.check, find);
      return (caller, target) => !judge(caller, target);
    }
    case 'and': {
      const judges = check.checks.map((each) => compile(each, find));
      return (caller, target) => judges.every((judge) => judge(caller, target));
    }
    case 'or': {
      const judges = check.checks.map((each) => compile(each, find));
      return (caller, target) => judges.some((judge) => judge(caller, target));
    }
    case 'rule': {
      const { name } = check;
      return (caller, target) => find(name)(caller, target);
    }
    case 'role':
    case 'caller':
    case 'literal':
      return compileAtom(check);
  }
}

type Atom = Extract<Check, { readonly is: Template }>;

function compileAtom(atom: Atom): Judge {
  if (atom.kind === 'role') {
    return ({ roles }, target) => {
      const wanted = fill(atom.is, target)?.toLowerCase();
      return roles.some((role) => role.toLowerCase() === wanted);
    };
  }
  return (caller, target) => {
    const wanted = fill(atom.is, target);
    return wanted !== undefined && subjectsOf(atom, caller).includes(wanted);
  };
}

function subjectsOf(atom: Atom, caller: Caller): readonly Value[] {
  if (atom.kind === 'role') return caller.roles;
  return atom.kind === 'literal' ? [atom.value] : valuesOf(atom.attribute, caller);
}

/** One check of a rule, or of a rule that it asks, and how it came out. */
export interface Reason {
  readonly rule: string;
  readonly check: string;
  readonly holds: boolean;
  /** What was compared: the caller's side, the object's side. */
  readonly has: string;
  readonly wants: string;
}

export interface ReasonContext {
  readonly caller: Caller;
  readonly target: PolicyTarget;
  readonly find: (name: string) => Check;
}

/** Every check below the rule, also those that did not decide. A rule that is asked twice is told once. */
export function reasonsOf(rule: string, context: ReasonContext, told: Set<string> = new Set()): Reason[] {
  if (told.has(rule)) return [];
  told.add(rule);
  const { caller, target, find } = context;
  const walk = (check: Check): Reason[] => {
    if (check.kind === 'and' || check.kind === 'or') return check.checks.flatMap(walk);
    if (check.kind === 'not') return walk(check.check);
    if (check.kind === 'rule') return reasonsOf(check.name, context, told);
    if (!('is' in check)) {
      const holds = check.kind === 'always';
      return [{ rule, check: holds ? '@' : '!', holds, has: '', wants: '' }];
    }
    return [
      {
        rule,
        check: check.text,
        holds: compileAtom(check)(caller, target),
        has: subjectsOf(check, caller)
          .map((value) => value ?? 'nothing')
          .join(', '),
        wants: fill(check.is, target) ?? 'nothing',
      },
    ];
  };
  return walk(find(rule));
}
