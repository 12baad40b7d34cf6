"""Runs the toolbox: `tamis`, its exit status and what it printed."""
import json
import os
import pathlib
import socket
import subprocess


class Tool:
    def __init__(self, build_dir):
        self.program = str(pathlib.Path(build_dir) / "bin" / "tamis")

    def run(self, *arguments, status=0, cwd=None, timeout=300):
        """Standard output; the exit status must be `status`."""
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, timeout=timeout,
                              check=False)
        shown = f"tamis {' '.join(map(str, arguments))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        assert done.returncode == status, f"exit status {done.returncode}, not {status}: {shown}"
        self.errors = done.stderr
        return done.stdout

    def json(self, *arguments, **options):
        return json.loads(self.run(*arguments, "--json", **options))


def data_dir(folder):
    """A folder of the recorded data, or None with a plain word why a test that needs it is skipped."""
    path = pathlib.Path(os.environ.get("TAMIS_DATA_DIR", "../shared/data")) / folder
    if path.is_dir():
        return path
    print(f"skipped: recorded data not found at {path} (TAMIS_DATA_DIR)")
    return None


def free_ports(count):
    """So many TCP ports that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
