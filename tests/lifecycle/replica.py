"""A replica without a page: works on runs until it is killed. `python -m tests.lifecycle.replica`."""

import threading

from assembly import open_runner
from settings import load

if __name__ == "__main__":
    runner = open_runner(load())
    runner.start()
    print("ready", flush=True)
    threading.Event().wait()
