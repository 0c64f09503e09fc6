"""A command line that behaves as the name of its model says."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def main() -> None:
    how = Path(sys.argv[2]).stem
    if how == "hangs":
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(1)
    if how.startswith("answers"):
        complete = "not" not in how
        print(json.dumps({"complete": complete, "reason": "" if complete else "max-seconds"}))
        sys.stdout.flush()
        time.sleep(60)
    if how == "eats":
        kept = []
        while True:
            kept.append(b"x" * 10_000_000)
    if how == "eats_in_children":
        if os.fork() == 0:
            main_of_child()
        os.wait()
        time.sleep(60)
    if how == "segfaults":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "aborts":
        os.abort()
    if how == "exits":
        sys.exit(77)
    if how == "raises":
        raise RuntimeError("not meant for people")
    if how == "floods":
        block = "x" * 1_000_000
        while True:
            print(block)
    if how == "babbles":
        print('{"regions": ')
        return
    print("note: well", file=sys.stderr)
    print(json.dumps({"schema": "test/1", "model": {"n_inputs": 2}, "lower": 10**400}))


def main_of_child() -> None:
    # Two processes, each below the limit, together above it.
    kept = bytearray(b"x") * 180_000_000
    os.fork()
    time.sleep(60)
    assert kept


if __name__ == "__main__":
    main()
