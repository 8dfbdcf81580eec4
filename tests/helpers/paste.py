#!/usr/bin/env python3
# paste.py CMD…: at a terminal of its own, paste 5,000 lines into CMD, which says
# "ready" first and prints what it reads; fails when a line is lost or it stands still
import os, pty, select, sys, threading, time

LINES, WORD = 5000, b"x" * 60
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])

got = b""
end = time.time() + 20


def read():
    global got
    if select.select([fd], [], [], max(0, end - time.time()))[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            return False
        got += data
        return bool(data)
    sys.exit("stands still after %d bytes" % len(got))


def write():
    data = b"".join(b"%05d %s\n" % (i, WORD) for i in range(LINES)) + b"\4"
    while data:
        data = data[os.write(fd, data):]


while b"ready" not in got:
    if not read():
        sys.exit("ended: %r" % got)
threading.Thread(target=write, daemon=True).start()
while read():
    pass
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if code or got.count(WORD) != LINES:
    sys.exit("code %d, %d of %d lines" % (code, got.count(WORD), LINES))
