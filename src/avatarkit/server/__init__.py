"""One ASGI app: Console, Motion Server, avatar library."""
