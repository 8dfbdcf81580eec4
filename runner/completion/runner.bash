# SPDX-License-Identifier: Apache-2.0
#
# runner.bash: completion for runner in bash
#
# Everything is asked of the program itself ("runner help", "runner help CMD",
# "runner ps", "runner images"), so this file knows no command and no option;
# only which commands take containers, which images, and which files.

# _runner_ask ARG...: what the program prints, without its complaints
_runner_ask() { "${_runner_program[@]}" "$@" 2>/dev/null; }

_runner_commands() { _runner_ask help | sed -n '/^commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'; }

# _runner_options [CMD]: lines "-x --name=ARG" of its options
_runner_options() { _runner_ask help "$@" | sed -nE 's/^  (-.,|   ) (--[^ ]+).*/\1 \2/p' | tr -d ','; }

# _runner_takes_value WORD [CMD]: does the next word belong to this option?
_runner_takes_value() {
	local word=$1
	shift
	case $word in
	--*=*) return 1 ;;
	--*) _runner_options "$@" | grep -qE -- "^(-. | +)$word=" ;;
	-?*) _runner_options "$@" | grep -qE -- "^-${word: -1} --[^ ]+=" ;;
	*) return 1 ;;
	esac
}

_runner_containers() { _runner_ask ps "$@" --format '{{.Names}}'; }

_runner_images() { _runner_ask images --format '{{.Repository}}:{{.Tag}}' | sed -E 's/^(docker\.io\/library\/|localhost\/)//; s/:latest$//' | grep -v '<none>'; }

# Words after the command's name that are no options or their values.
_runner_operands() {
	local i
	n_operands=0
	for ((i = command_at + 1; i < cword; i++)); do
		if _runner_takes_value "${words[i]}" "$command"; then
			i=$((i + 1))
		elif [[ ${words[i]} != -* ]]; then
			n_operands=$((n_operands + 1))
		fi
	done
}

_runner_operand_words() {
	case $command in
	attach | exec | kill | port | stop | top) _runner_containers ;;
	start | wait | logs | restart | rm) _runner_containers -a ;;
	rename) ((n_operands)) || _runner_containers -a ;;
	inspect) _runner_containers -a; _runner_images ;;
	rmi | save | images | history | pull) _runner_images ;;
	run | create) _runner_images ;;
	tag) ((n_operands)) || _runner_images ;;
	cp) _runner_containers -a | sed 's/$/:/' ;;
	volume)
		if ((n_operands)); then _runner_ask volume ls -q; else printf '%s\n' create inspect ls rm; fi ;;
	help) _runner_commands ;;
	esac
}

# _runner_reply WORDS: those that begin with $cur, less what readline, which ends
# words at "=" and ":", holds to be the words before
_runner_reply() {
	local kept=${cur%"${cur##*[=:]}"} i
	COMPREPLY=($(compgen -W "$1" -- "$cur"))
	for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$kept"}; done
	[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace 2>/dev/null
}

_runner_reply_files() { COMPREPLY=($(compgen -f -- "${cur##*[=:]}")); }

_runner_reply_options() { _runner_reply "$(_runner_options "$@" | sed -E 's/^.*(--[^=]+=?).*/\1/')"; }

_runner() {
	local words cword cur command='' command_at=0 n_operands=0 i
	local _runner_program
	# readline's own words end at "=" and ":"
	read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
	[[ ${COMP_LINE:0:COMP_POINT} != *[[:space:]] ]] || words+=('')
	cword=$((${#words[@]} - 1)) cur=${words[-1]}
	_runner_program=("${words[0]/#\~\//$HOME/}")
	for ((i = 1; i < cword; i++)); do
		if _runner_takes_value "${words[i]}"; then
			# --root and --runroot say whose containers and images
			_runner_program+=("${words[i]}" "${words[i + 1]}")
			i=$((i + 1))
		elif [[ ${words[i]} == -* ]]; then
			_runner_program+=("${words[i]}")
		else
			command=${words[i]} command_at=$i
			break
		fi
	done
	COMPREPLY=()
	if [[ ! $command ]]; then
		case $cur in
		-*) _runner_reply_options ;;
		*) _runner_reply "$(_runner_commands; _runner_images)" ;;
		esac
		return
	fi
	# an image's name: what follows is for its program
	_runner_commands | grep -qxF -- "$command" || return
	_runner_operands
	case $command in run | create | exec) ((n_operands == 0)) || return ;; esac
	case $cur in
	--*=*) _runner_reply_files ;;
	-*) _runner_reply_options "$command" ;;
	*)
		if _runner_takes_value "${words[cword - 1]}" "$command"; then
			_runner_reply_files
		else
			_runner_reply "$(_runner_operand_words)"
		fi
		;;
	esac
}

complete -o default -F _runner runner
