# Shared by the run scripts: the cache of jars, filled by one process at a time.
refstack_home=${REFSTACK_HOME:-$HOME/.cache/refstack}
mkdir -p "$refstack_home"

# once MARK FUNCTION: calls FUNCTION and makes the file MARK, unless it is there.
# Others who want the same (and Maven, whose local repository is not made for several
# processes) wait meanwhile.
once() {
  [[ -e $1 ]] && return
  (
    flock 9
    [[ -e $1 ]] && exit
    "$2"
    touch "$1"
  ) 9>"$refstack_home/.lock"
}
