/** `policy.yaml`: a map of rules to texts in oslo.policy's language. A mistake stops the start and names its line. */
import { readFileSync, statSync } from 'node:fs';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { Failure } from '../../model/failure.ts';
import { Policy, PolicyMistake } from '../policy.ts';

const largestFile = 1024 * 1024;

/** Throws `invalid-value` naming file and line. `isOptional`: no file = the defaults. */
export function readPolicy(file: string, { isOptional }: { readonly isOptional: boolean }): Policy {
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > largestFile) throw new Error(`larger than ${largestFile} bytes`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (isOptional && (error as NodeJS.ErrnoException).code === 'ENOENT') return new Policy();
    throw new Failure('invalid-value', `cannot read policy file ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return parsePolicy(text, file);
}

/** `file` is for the messages. */
export function parsePolicy(text: string, file: string): Policy {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, uniqueKeys: true });
  const refuse = (line: number, why: string): never => {
    throw new Failure('invalid-value', `policy file ${file}, line ${line}: ${why}`);
  };
  const [mistake] = document.errors;
  if (mistake) return refuse(mistake.linePos?.[0].line ?? 1, mistake.message.split('\n')[0] ?? '');
  if (document.contents === null) return new Policy();
  if (!isMap(document.contents)) return refuse(1, 'expected a map of rules');
  const lines = new Map<string, number>();
  for (const { key } of document.contents.items) {
    const range = isScalar(key) ? key.range : undefined;
    const line = range ? counter.linePos(range[0]).line : 1;
    if (!isScalar(key) || typeof key.value !== 'string') return refuse(line, 'the name of a rule is a text');
    lines.set(key.value, line);
  }
  try {
    // Few aliases: a file of a kilobyte can otherwise grow to gigabytes.
    return new Policy(document.toJS({ maxAliasCount: 100 }) as Record<string, unknown>);
  } catch (error) {
    if (error instanceof PolicyMistake) return refuse(lines.get(error.rule) ?? 1, error.message);
    return refuse(1, (error as Error).message);
  }
}
