"""Runs a system test with a folder of its own for all it writes: removed when the test passes, kept and named when it fails.

Usage: in_scratch.py TEST.py [ARGUMENTS...]
"""
import os
import runpy
import shutil
import sys
import tempfile


def main():
    folder = tempfile.mkdtemp(prefix="tamis-")  # short: paths of local sockets may have 107 characters
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    sys.argv = sys.argv[1:]
    passed = False
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
        passed = True
    except SystemExit as ended:
        passed = ended.code in (None, 0)
        raise
    finally:
        if passed:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"what the test wrote is kept in {folder}", file=sys.stderr)


main()
