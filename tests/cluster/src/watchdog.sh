# Makes a directory in $1, and one in $2 if that is given, and prints both. Waits until standard input closes;
# then stops every server whose data directory lies in the second, and removes both. Signals nothing but
# processes that work in the second.
trap '' HUP INT TERM PIPE

home=$(mktemp -d "$1/approvals-pg-XXXXXXXX") || exit
data=$home
if [ -n "$2" ] && ! data=$(mktemp -d "$2/approvals-pg-XXXXXXXX"); then
    rmdir "$home"
    exit
fi
chmod 755 "$home" "$data"
printf '%s\n%s\n' "$home" "$data"
# An output that stays open would keep whoever reads the output of the tests waiting.
exec >/dev/null 2>&1
while read -r _; do :; done

# Prints the processes of all servers, of those too whose parent was killed, and the programs that make or
# start one at this moment: they work in $data itself.
processes() {
    for process in /proc/[0-9]*; do
        for directory in "$data" "$data"/*/; do
            if [ "$process/cwd" -ef "$directory" ]; then echo "${process#/proc/}"; fi
        done
    done
}

looks=0
while left=$(processes) && [ -n "$left" ] && [ "$looks" -lt 500 ]; do
    for directory in "$data"/*/; do
        if read -r pid <"$directory/postmaster.pid" && [ "/proc/$pid/cwd" -ef "$directory" ]; then
            kill -s QUIT "$pid"
        fi
    done
    looks=$((looks + 1))
    if [ "$looks" -ge 100 ]; then kill -s KILL $left; fi
    sleep 0.02
done

# A server that was killed has left its file, and in it the segment of shared memory that it kept.
for directory in "$data"/*/; do
    segment=$(sed -n '7s/.* //p' "$directory/postmaster.pid") && [ -n "$segment" ] && ipcrm -m "$segment"
done

looks=0
until rm -rf -- "$home" "$data" || [ "$looks" -ge 500 ]; do
    looks=$((looks + 1))
    sleep 0.02
done
