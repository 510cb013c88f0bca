"""The CPU renderer, compiled with numba."""
