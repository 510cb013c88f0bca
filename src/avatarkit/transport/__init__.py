"""Thin I/O around the protocol: WebSocket and HTTP."""
