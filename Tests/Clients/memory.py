"""Runs a command, and ends as it does, or with 99 where it or a program that it waited for had more in memory than it may.

    memory.py MIB COMMAND…
"""

import resource
import subprocess
import sys

limit, command = int(sys.argv[1]), sys.argv[2:]
status = subprocess.run(command, check=False).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
if used > limit:
    print(f"{used} MiB were in memory, {limit} are allowed", file=sys.stderr)
    status = 99
sys.exit(status)
