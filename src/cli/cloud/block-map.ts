/**
 * The YAML that most clouds.yaml files consist of: maps in maps, one `key: value` a line, plain values.
 *
 * Reading it by hand spares every command the loading of a YAML library (measured: 20 ms of processor time). Whatever
 * looks any different is left to that library: the answer is then undefined, never a guess.
 */
type Tree = { [key: string]: string | number | Tree };

const line = /^( *)([A-Za-z_][\w-]*):(?: +(\S(?:.*\S)?))? *$/;
/** Holds nothing that means anything to YAML. */
const plain = /^[\w/-][\w./@+:~-]*(?<!:)$/;
/** Looks plain, but is (or might be) no text: true, null and their spellings, numbers of unusual form. */
const special = /^(?:true|false|null|yes|no|on|off|y|n|-|0[xob].*|-?[\d][\d.e_+-]*)$/i;
const wholeNumber = /^(?:0|[1-9]\d{0,8})$/;

export function parseBlockMap(text: string): Tree | undefined {
  const root: Tree = {};
  const open: { readonly indent: number; readonly tree: Tree }[] = [{ indent: -1, tree: root }];
  let entered: Tree | undefined = root;
  for (const [index, row] of text.split('\n').entries()) {
    if (/^\s*(?:#.*)?$/.test(row) || (index === 0 && row === '---')) continue;
    const [, spaces = '', key = '', value] = line.exec(row) ?? [];
    if (key === '' || key === '__proto__') return undefined;
    const indent = spaces.length;
    if (entered) {
      // The first line below a key sets the indentation of all its lines.
      if (indent <= (open.at(-1)?.indent ?? 0)) return undefined;
      open.push({ indent, tree: entered });
      entered = undefined;
    }
    while ((open.at(-1)?.indent ?? 0) > indent) open.pop();
    const at = open.at(-1);
    if (!at || at.indent !== indent || Object.hasOwn(at.tree, key)) return undefined;
    if (value === undefined) {
      entered = {};
      at.tree[key] = entered;
    } else if (wholeNumber.test(value)) {
      at.tree[key] = Number(value);
    } else if (plain.test(value) && !special.test(value)) {
      at.tree[key] = value;
    } else return undefined;
  }
  // A key without a value is null in YAML, not an empty map.
  return entered ? undefined : root;
}
