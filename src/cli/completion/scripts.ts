/**
 * Scripts of completion for shells. They hold the whole table, so that completing starts no program. Values that are not
 * listed are completed as names of files. Pure.
 */
import type { Flag, Place } from './table.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export function completionScript(shell: Shell, places: readonly Place[]): string {
  if (shell === 'fish') return fish(places);
  // zsh knows how to be asked in bash's way.
  return shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${bash(places)}` : bash(places);
}

/** Inside single quotes, for all three. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const namesOf = (flags: readonly Flag[]) => flags.flatMap(({ names }) => names);

function bash(places: readonly Place[]): string {
  const rows = places.map(({ path, words, flags }) => {
    const valued = namesOf(flags.filter(({ takesValue }) => takesValue));
    const lists = [words.map(({ name }) => name), namesOf(flags), valued].map((list) =>
      quoted(list.join(' ')),
    );
    return `    ${quoted(path)}) words=${lists[0]} flags=${lists[1]} valued=${lists[2]} ;;`;
  });
  const choices = places.flatMap(({ path, flags }) =>
    flags
      .filter((flag) => flag.choices.length > 0)
      .flatMap((flag) =>
        flag.names.map(
          (name) => `    ${quoted(`${path} ${name}`)}) choices=${quoted(flag.choices.join(' '))} ;;`,
        ),
      ),
  );
  return `# Completion for berth: source <(berth completion bash)
_berth_at() {
  case "$1" in
${rows.join('\n')}
  esac
}
_berth_choices() {
  choices=
  case "$1" in
${choices.join('\n')}
  esac
}
_berth() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path= words= flags= valued= choices= word= i=1
  COMPREPLY=()
  _berth_at ''
  while [ "$i" -lt "$COMP_CWORD" ]; do
    word="\${COMP_WORDS[i]}"
    i=$((i + 1))
    # Behind it everything belongs to another program.
    [ "$word" = -- ] && return
    case "$word" in
      -*)
        case " $valued " in *" $word "*) ;; *) continue ;; esac
        if [ "$i" -eq "$COMP_CWORD" ]; then
          _berth_choices "$path $word"
          [ -n "$choices" ] && COMPREPLY=($(compgen -W "$choices" -- "$current"))
          return
        fi
        i=$((i + 1))
        ;;
      *)
        case " $words " in *" $word "*) ;; *) words= ; continue ;; esac
        path="\${path:+$path }$word"
        _berth_at "$path"
        ;;
    esac
  done
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -o default -F _berth berth
`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words, flags }) => {
    const where = `complete -c berth -n ${quoted(`__berth_is ${quoted(path).replaceAll("'", '"')}`)}`;
    return [
      ...words.map(({ name, summary }) => `${where} -f -a ${quoted(name)} -d ${quoted(summary)}`),
      ...flags.map(({ names, summary, takesValue, choices }) => {
        const spelled = names.map((name) =>
          name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
        );
        const value = choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : takesValue ? ' -r' : '';
        return `${where} ${spelled.join(' ')}${value} -d ${quoted(summary)}`;
      }),
    ];
  });
  return `# Completion for berth: berth completion fish | source
set -g __berth_paths ${places
    .filter(({ path }) => path !== '')
    .map(({ path }) => quoted(path))
    .join(' ')}
function __berth_is
  set -l path
  set -l typed (commandline -opc)
  for word in $typed[2..-1]
    set -l next (string join ' ' -- $path $word)
    contains -- $next $__berth_paths; and set path $path $word
  end
  test (string join ' ' -- $path) = "$argv[1]"
end
${lines.join('\n')}
`;
}
