"""Recordings: everything that one view heard, was told and showed, in one file that plays again bit for bit."""
