import { UsageError } from './arguments.ts';

const COMMANDS =
  'submit get list watch wait logs cancel retry pause resume complete fail delete result export restore archive types queues keys errors stats whoami completion';
const OPTIONS = '--json --url --key --help';

const BASH = `_tasker() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${COMMANDS}" -- "$word"))
  elif [ "\${COMP_WORDS[1]}" = submit ] && [ "$COMP_CWORD" -eq 2 ]; then
    COMPREPLY=($(compgen -W "$(tasker types --json 2>/dev/null | sed -n 's/^{"type":"\\([^"]*\\)".*/\\1/p')" -- "$word"))
  else
    COMPREPLY=($(compgen -W "${OPTIONS}" -- "$word"))
  fi
}
complete -F _tasker tasker`;

const ZSH = `autoload -Uz compinit bashcompinit
compinit
bashcompinit
${BASH}`;

/** A script that a shell evaluates. */
export const complete = (shell: string | undefined): string => {
  if (shell === 'bash') return BASH;
  if (shell === 'zsh') return ZSH;
  throw new UsageError('Write: tasker completion bash, or: tasker completion zsh');
};
