"""Runs a command on a terminal of its own: on-terminal.py ROWS COLUMNS COMMAND...

What comes on stdin is typed, what the terminal shows goes to stdout, a line "ROWS COLUMNS" on descriptor 3 changes its size.
The end of stdin closes the terminal. Exits as the command does; 128 + N when signal N ended it.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))


child, terminal = pty.fork()
if child == 0:
    os.close(3)
    set_size(0, sys.argv[1], sys.argv[2])
    os.execvp(sys.argv[3], sys.argv[3:])

sources = [terminal, 0, 3]
while terminal in sources:
    for ready in select.select(sources, [], [])[0]:
        try:
            data = os.read(ready, 65536)
        except OSError:
            data = b""
        if not data:
            sources.remove(ready)
            if ready == 0:
                sources.remove(terminal)
                os.close(terminal)
                break
        elif ready == terminal:
            os.write(1, data)
        elif ready == 0:
            os.write(terminal, data)
        else:
            set_size(terminal, *data.decode().split("\n")[-2].split(" "))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256)
