"""Runs a command on a pseudo-terminal: python3 terminal.py COLUMNS ROWS COMMAND...

What the command writes goes to stdout, as frames of a JSON line each ({"at": seconds, "text": ...}), the last one
{"exit": status, "cpu": seconds}. Lines on stdin are orders: "size COLUMNS ROWS", "key CHARACTERS" (JSON string).
"""

import codecs
import fcntl
import json
import os
import pty
import resource
import select
import signal
import struct
import sys
import termios
import time


def set_size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def say(frame):
    sys.stdout.write(json.dumps(frame) + "\n")
    sys.stdout.flush()


columns, rows, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    # The size is set before the program starts, so that it never sees another one.
    set_size(0, columns, rows)
    # The kernel would echo "^C" into the middle of an escape sequence of which a stopped terminal has only half.
    attributes = termios.tcgetattr(0)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, attributes)
    os.execvp(command[0], command)

start = time.monotonic()
decoder = codecs.getincrementaldecoder("utf-8")("replace")
orders = b""
sources = [terminal, 0]
while True:
    ready, _, _ = select.select(sources, [], [])
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            # Who started this is gone, so the program must not stay behind.
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            sys.exit(1)
        orders += data
        *lines, orders = orders.split(b"\n")
        for line in lines:
            verb, _, rest = line.decode().partition(" ")
            if verb == "size":
                columns, rows = map(int, rest.split())
                say({"at": time.monotonic() - start, "text": "", "size": [columns, rows]})
                set_size(terminal, columns, rows)
            elif verb == "key":
                os.write(terminal, json.loads(rest).encode())
    if terminal in ready:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            data = b""
        if not data:
            break
        say({"at": time.monotonic() - start, "text": decoder.decode(data)})

_, status = os.waitpid(child, 0)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
say({"exit": os.waitstatus_to_exitcode(status), "cpu": usage.ru_utime + usage.ru_stime})
