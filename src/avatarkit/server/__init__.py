"""One ASGI app: Console, Motion Server ingress, avatar library.

Importing this package loads nothing heavy; :func:`avatarkit.server.app.create_app` makes the app and
:func:`avatarkit.server.run.serve` runs it.
"""
