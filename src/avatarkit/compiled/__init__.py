"""Loops compiled to machine code: written once with numba, kept on disk, loaded later without it."""
