"""Runs a program and writes its time and its peak memory as JSON: launch.py REPORT PROGRAM ARGUMENTS...

A process of its own, and a small one: the peak that the system counts for a child begins with its parent's.
"""

import json
import os
import resource
import sys
import time

start = time.perf_counter()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status = os.waitpid(child, 0)
seconds = time.perf_counter() - start
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
unit = 1 if sys.platform == "darwin" else 1024
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump({"seconds": seconds, "processor_seconds": usage.ru_utime + usage.ru_stime,
               "peak_bytes": usage.ru_maxrss * unit}, file)
sys.exit(os.waitstatus_to_exitcode(status))
