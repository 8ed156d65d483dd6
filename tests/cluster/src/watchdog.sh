# Waits until standard input closes, then stops every server whose data directory lies in $2 and removes $1
# and $2. As root it signals nothing but processes that work in those directories.
trap '' HUP INT TERM
while read -r _; do :; done

home=$1 data=$2

# Prints the processes of all servers, those included that outlive their killed parent for a while.
processes() {
    for process in /proc/[0-9]*; do
        for directory in "$data"/*/; do
            [ "$process/cwd" -ef "$directory" ] && echo "${process#/proc/}"
        done
    done
}

for directory in "$data"/*/; do
    if read -r pid <"$directory/postmaster.pid" && [ "/proc/$pid/cwd" -ef "$directory" ]; then
        kill -s QUIT "$pid"
    fi
done

looks=0
while left=$(processes) && [ -n "$left" ] && [ "$looks" -lt 500 ]; do
    looks=$((looks + 1))
    [ "$looks" -ge 100 ] && kill -s KILL $left
    sleep 0.02
done

# A server that was killed has left its file, and in it the segment of shared memory that it kept.
for directory in "$data"/*/; do
    segment=$(sed -n '7s/.* //p' "$directory/postmaster.pid") && [ -n "$segment" ] && ipcrm -m "$segment"
done

# Twice: the process may have ended just before an initdb that it had begun made its directory.
for again in 1 2; do
    looks=0
    until rm -rf -- "$home" "$data" || [ "$looks" -ge 500 ]; do
        looks=$((looks + 1))
        sleep 0.02
    done
done
