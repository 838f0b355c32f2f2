"""What stands in the way of a run on this machine: libraries, console, fonts, disk, memory, network, ledger.

A check is a function of ``Asked`` that yields ``Finding``s, one file a family. It writes nothing but scratch files that it
removes, reads no pixel, and says no secret.
"""
