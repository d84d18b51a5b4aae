"""A supervisor in /proc of its container: its number may be another process's by now."""

from __future__ import annotations

# `lives PID TICKS`: a process is known by its number and by when it began (proc(5), field 22), and one that
# nobody has reaped is dead. For a POSIX shell.
LIVES = """
lives() {
    lives_at=$2
    read -r lives_stat 2>/dev/null <"/proc/$1/stat" || return 1
    set -- ${lives_stat##*) }
    [ "$1" != Z ] && [ "${20}" = "$lives_at" ]
}
"""
