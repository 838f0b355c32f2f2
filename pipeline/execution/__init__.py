"""Work in parallel on Dask: threads and processes of this machine, SLURM, Kubernetes, a scheduler somewhere else.

One way for all: a Dask scheduler with workers of one thread each (threads: one worker with many), tasks handed out a few
at a time, results taken one by one. The kinds differ only in how workers come into being.
"""

from .executor import kept, run_all
from .options import DaskOptions

__all__ = ["DaskOptions", "kept", "run_all"]
