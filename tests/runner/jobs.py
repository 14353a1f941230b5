"""Jobs for processes of their own, one for each way to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

Tell = Callable[[dict[str, Any]], None]


def answers(value: Any, tell: Tell) -> Any:
    tell({"told": value})
    return value


def raises(tell: Tell) -> None:
    raise ValueError("the job's own")


def raises_memory_error(tell: Tell) -> None:
    raise MemoryError


def exits(code: int, tell: Tell) -> None:
    os._exit(code)


def leaves(code: int, tell: Tell) -> None:
    sys.exit(code)


def dies(number: int, tell: Tell) -> None:
    tell({"told": "before"})
    os.kill(os.getpid(), number)


def signals_itself(number: int, tell: Tell) -> str:
    os.kill(os.getpid(), number)
    time.sleep(0.1)
    return "alive"


def ends_a_program(tell: Tell) -> int:
    """How a program ends that is asked to."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], stdout=subprocess.DEVNULL)
    child.terminate()
    return child.wait(timeout=30)


def hangs(tell: Tell) -> None:
    tell({"pid": os.getpid()})
    time.sleep(3600)


def hangs_with_a_child(tell: Tell) -> None:
    """A child of its own that outlives it, deaf to what a terminal sends."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], stdout=subprocess.DEVNULL)
    tell({"child": child.pid})
    time.sleep(3600)


def dies_and_leaves_a_child(tell: Tell) -> None:
    """The child holds every file of the job open, the pipe to the run among them."""
    child = os.fork()
    if child == 0:
        time.sleep(3600)
        os._exit(0)
    tell({"child": child})
    os.kill(os.getpid(), signal.SIGKILL)


def dies_in_the_middle_of_a_message(tell: Tell) -> None:
    """More than a pipe holds, so that its end cannot have been sent."""
    import threading

    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGKILL)).start()
    while True:
        tell({"much": b"x" * 50_000_000})


def closes_the_pipe(tell: Tell) -> None:
    """As a layer might that closes all files."""
    (sender,) = (cell.cell_contents for cell in tell.__closure__ or ())
    sender.close()
    time.sleep(3600)


def answers_and_does_not_end(tell: Tell) -> str:
    import threading

    threading.Thread(target=time.sleep, args=(3600,)).start()
    return "done"
