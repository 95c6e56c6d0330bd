"""Completion scripts for bash, zsh and fish, made from the registry. They need no call of the program but for names.

Names of hosts, tokens and contexts are asked of the program itself (`-o name`), with a short time-out, so that a
plane that is away never hangs a shell.
"""

from __future__ import annotations

from edgewright.commands.kernel.base import Command
from edgewright.commands.kernel.registry import NOUNS, for_noun
from edgewright.core.errors import UsageError

GLOBAL_FLAGS = ("-o", "--context", "--project", "--read-only", "--yes", "--plan", "--timeout", "--help")
OUTPUTS = ("table", "wide", "json", "yaml", "name")


def script(shell: str) -> str:
    """Return the script for a shell. Raises `UsageError` for one that is not known."""
    if shell == "bash":
        return _bash()
    if shell == "zsh":
        return _zsh()
    if shell == "fish":
        return _fish()
    raise UsageError(f"There is no completion for {shell}.", "Take bash, zsh or fish.")


def verbs_of(noun: str) -> list[str]:
    """Return the second words of a noun, each once; empty for a noun that is a verb by itself."""
    return list(dict.fromkeys(c.name.split()[1] for c in for_noun(noun) if " " in c.name and c.cli))


def below(noun: str) -> dict[str, list[str]]:
    """Return the third words of a noun's verbs by the second, e.g. `user-data` to new, check, show, merge."""
    matches: dict[str, list[str]] = {}
    for command in for_noun(noun):
        arguments = command.name.split()
        if len(arguments) == 3 and command.cli:
            matches.setdefault(arguments[1], []).append(arguments[2])
    return matches


def _flags(command: type[Command]) -> list[str]:
    return [p.flag for p in command.params if p.flag] + list(GLOBAL_FLAGS)


def _values(command: type[Command]) -> str:
    """Return what completes the positional words: a kind of thing, words, or files."""
    if command.target is not None:
        return {"receiver": "@alert receiver"}.get(command.target.kind, f"@{command.target.kind}")
    for param in command.params:
        if not param.flag and param.choices:
            return " ".join(param.choices)
    return "@file" if any(p.kind == "file" for p in command.params) else ""


def _commands() -> list[type[Command]]:
    return [c for noun in NOUNS for c in for_noun(noun) if c.cli]


def _bash() -> str:
    cases = []
    for command in _commands():
        cases.append(f"    '{command.name}') flags='{' '.join(_flags(command))}'; values='{_values(command)}' ;;")
    nouns = "\n".join(f"      {noun}) verbs='{' '.join(verbs_of(noun))}' ;;" for noun in NOUNS if verbs_of(noun))
    thirds = "\n".join(
        f"      '{noun} {second}') subs='{' '.join(text)}' ;;" for noun in NOUNS for second, text in below(noun).items()
    )
    choices = [
        f"    '{c.name}:{p.flag}') words='{' '.join(p.choices)}' ;;"
        for c in _commands()
        for p in c.params
        if p.flag and p.choices
    ]
    return f"""# bash completion for edgewright; load it with: eval "$(edgewright completion bash)"
_edgewright() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
  local noun='' verb='' sub='' verbs='' subs='' flags='' values='' words='' key='' i skip=0 w
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    w=${{COMP_WORDS[i]}}
    if ((skip)); then skip=0; continue; fi
    case $w in
      -o|--context|--project|--timeout) skip=1 ;;
      -*) ;;
      *) if [[ -z $noun ]]; then noun=$w; elif [[ -z $verb ]]; then verb=$w; elif [[ -z $sub ]]; then sub=$w; fi ;;
    esac
  done
  case $prev in
    -o) COMPREPLY=($(compgen -W '{" ".join(OUTPUTS)}' -- "$cur")); return ;;
    --context) COMPREPLY=($(compgen -W "$(_edgewright_names context)" -- "$cur")); return ;;
    --project) COMPREPLY=($(compgen -W "$(_edgewright_names project)" -- "$cur")); return ;;
    --timeout) return ;;
  esac
  if [[ -z $noun ]]; then
    COMPREPLY=($(compgen -W '{" ".join(NOUNS)} --help --version {" ".join(GLOBAL_FLAGS[:-1])}' -- "$cur"))
    return
  fi
  case $noun in
{nouns}
  esac
  if [[ -n $verbs && -z $verb ]]; then
    COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
    return
  fi
  key=$noun
  [[ -n $verbs ]] && key="$noun $verb"
  case $key in
{thirds}
  esac
  if [[ -n $subs && -z $sub ]]; then
    COMPREPLY=($(compgen -W "$subs" -- "$cur"))
    return
  fi
  [[ -n $subs ]] && key="$key $sub"
  case "$key:$prev" in
{chr(10).join(choices)}
  esac
  if [[ -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); return; fi
  case $key in
{chr(10).join(cases)}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    return
  fi
  case $values in
    @file) COMPREPLY=($(compgen -f -- "$cur")) ;;
    @*) COMPREPLY=($(compgen -W "$(_edgewright_names "${{values#@}}")" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "$values" -- "$cur")) ;;
  esac
}}
_edgewright_names() {{
  edgewright $(echo "$1") list -o name --timeout 2 2>/dev/null
}}
complete -o default -F _edgewright edgewright
"""


def _zsh() -> str:
    return (
        '# zsh completion for edgewright; load it with: eval "$(edgewright completion zsh)"\n'
        "autoload -Uz +X bashcompinit && bashcompinit\n" + _bash().split("\n", 1)[1]
    )


def _fish() -> str:
    lines = [
        "# fish completion for edgewright; load it with: edgewright completion fish | source",
        "function __edgewright_names",
        "    edgewright (string split ' ' $argv[1]) list -o name --timeout 2 2>/dev/null",
        "end",
        "complete -c edgewright -f",
        f"complete -c edgewright -s o -x -a '{' '.join(OUTPUTS)}'",
        "complete -c edgewright -l context -x -a '(__edgewright_names context)'",
        "complete -c edgewright -l project -x -a '(__edgewright_names project)'",
        "complete -c edgewright -l read-only",
        "complete -c edgewright -l yes",
        "complete -c edgewright -l plan",
        "complete -c edgewright -l timeout -x",
        "complete -c edgewright -l help",
    ]
    for noun in NOUNS:
        lines.append(f"complete -c edgewright -n __fish_use_subcommand -a {noun} -d {_quoted(_noun_help(noun))}")
    for command in _commands():
        arguments = command.name.split()
        seen = f"__fish_seen_subcommand_from {arguments[0]}"
        if len(arguments) > 1:
            others = " ".join(verbs_of(arguments[0]))
            first = f"'{seen}; and not __fish_seen_subcommand_from {others}'"
            reported = command.help() if len(arguments) == 2 else ", ".join(below(arguments[0])[arguments[1]])
            line = f"complete -c edgewright -n {first} -a {arguments[1]} -d {_quoted(reported)}"
            if line not in lines:
                lines.append(line)
            seen += f"; and __fish_seen_subcommand_from {arguments[1]}"
        if len(arguments) == 3:
            others = " ".join(below(arguments[0])[arguments[1]])
            first = f"'{seen}; and not __fish_seen_subcommand_from {others}'"
            lines.append(f"complete -c edgewright -n {first} -a {arguments[2]} -d {_quoted(command.help())}")
            seen += f"; and __fish_seen_subcommand_from {arguments[2]}"
        for param in command.params:
            if param.flag:
                takes = "" if param.kind == "flag" else " -r -F" if param.kind == "file" else " -x"
                choices = f" -a '{' '.join(param.choices)}'" if param.choices else ""
                flag = f"-l {param.flag[2:]}" if param.flag.startswith("--") else f"-s {param.flag[1:]}"
                lines.append(f"complete -c edgewright -n '{seen}' {flag}{takes}{choices} -d {_quoted(param.help)}")
        values = _values(command)
        if values.startswith("@") and values != "@file":
            values = f'(__edgewright_names "{values[1:]}")'
        if values == "@file":
            lines.append(f"complete -c edgewright -n '{seen}' -F")
        elif values:
            lines.append(f"complete -c edgewright -n '{seen}' -a '{values}'")
    return "\n".join(lines) + "\n"


def _noun_help(noun: str) -> str:
    commands = for_noun(noun)
    return ", ".join(verbs_of(noun)) or commands[0].help()


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
