"""Sans-I/O protocol: bytes in, events out, no sockets."""
