"""Processes of a test that are killed, paused and started again."""
import signal
import subprocess
import time


class Process:
    """A program with a log of its own; `ready` is the file that it writes when it listens."""

    def __init__(self, name, folder, command, ready=None):
        self.name, self.folder, self.command, self.ready, self.process = name, folder, command, ready, None
        self.start()

    def start(self):
        if self.ready is not None:
            self.ready.unlink(missing_ok=True)
        with open(self.folder / f"{self.name}.log", "a") as log:
            self.process = subprocess.Popen(list(map(str, self.command)), stdout=log, stderr=log, cwd=self.folder)

    def wait_ready(self, limit=30):
        """Seconds until it was ready."""
        begin = time.monotonic()
        while not self.ready.exists():
            assert self.process.poll() is None, f"{self.name} ended:\n{self.log()}"
            assert time.monotonic() < begin + limit, f"{self.name} is not ready after {limit} s:\n{self.log()}"
            time.sleep(0.005)
        return time.monotonic() - begin

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def wait(self, limit):
        assert self.process.wait(timeout=limit) == 0, f"{self.name}:\n{self.log()}"

    def stop(self, limit=30):
        self.process.send_signal(signal.SIGTERM)
        self.wait(limit)

    def is_running(self):
        return self.process.poll() is None

    def log(self):
        return (self.folder / f"{self.name}.log").read_text()[-3000:]
