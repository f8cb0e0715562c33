# Completion of yokectl(1) for bash. What there is, yokectl itself tells.

# The first words of each line of its help that names a command: "team show", "status", ...
_yokectl_commands()
{
	yokectl --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\( [a-z][a-z]*\)\{0,1\}\).*/\1/p'
}

# Names in the first column of a list, without its heading. $1: the socket, or nothing.
_yokectl_names()
{
	local socket=$1
	shift
	yokectl ${socket:+--socket "$socket"} "$@" 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# Devices that could become members.
_yokectl_devices()
{
	local path
	for path in /sys/class/net/*; do
		[[ $path == */lo ]] || echo "${path##*/}"
	done
}

_yokectl()
{
	local current=${COMP_WORDS[COMP_CWORD]} socket='' word
	local -a words=()
	local i option=''
	COMPREPLY=()

	# The words before the cursor that are neither options nor their arguments.
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $option ]]; then
			[[ $word == "=" ]] && continue
			[[ $option == --socket ]] && socket=$word
			option=''
		elif [[ $word == --socket || $word == --datapath ]]; then
			option=$word
		elif [[ ${words[*]:0:2} == "team create" && $word == --[a-z]* && $word != --@(json|force|help) ]]; then
			option=$word
		elif [[ $word != -* ]]; then
			words+=("$word")
		fi
	done

	case $option in
	--datapath)
		mapfile -t COMPREPLY < <(compgen -W "bpf team" -- "${current#=}")
		return
		;;
	--mode)
		mapfile -t COMPREPLY < <(compgen -W "lacp static switch-independent" -- "${current#=}")
		return
		;;
	--member)
		mapfile -t COMPREPLY < <(compgen -W "$(_yokectl_devices)" -- "${current#=}")
		return
		;;
	--socket) ;;
	--*) # A setting.
		return
		;;
	esac
	if [[ $option ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "${current#=}")
		return
	fi
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(yokectl "${words[@]:0:2}" --help 2>/dev/null |
			sed -n 's/^  \(--[a-z]*\).*/\1/p')" -- "$current")
		return
	fi

	local choices=''
	case "${#words[@]}:${words[0]-} ${words[1]-}" in
	0:*)
		choices=$(_yokectl_commands | awk '!seen[$1]++ { print $1 }')
		;;
	1:monitor*)
		choices=$(_yokectl_names "$socket" team list)
		;;
	1:*)
		choices=$(_yokectl_commands | awk -v object="${words[0]}" '$1 == object { print $2 }')
		;;
	"2:team show" | "2:team delete" | "2:team set" | "2:member list" | "2:member drain" | "2:member add" | "2:member set" | "2:member remove" | "2:lacp show" | "2:lacp trace")
		choices=$(_yokectl_names "$socket" team list)
		;;
	"3:member drain" | "3:member set" | "3:member remove" | "3:lacp show" | "3:lacp trace")
		choices=$(_yokectl_names "$socket" member list "${words[2]}")
		;;
	"3:member add")
		choices=$(_yokectl_devices)
		;;
	"4:member set")
		choices='active standby'
		;;
	"4:member drain")
		choices='on off'
		;;
	*:"config check")
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
}

complete -o filenames -F _yokectl yokectl
