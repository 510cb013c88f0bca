"""Watching the server work: metrics, traces and logs. The rest of the server calls one object, the ``Observer``."""
