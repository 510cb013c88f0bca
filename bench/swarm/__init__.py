"""Many clients against a server of their own, for the server's benchmarks."""
