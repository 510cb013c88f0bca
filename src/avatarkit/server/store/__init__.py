"""What the server remembers: apps, keys, avatars, secrets. SQLite by default, through SQLAlchemy.

Import :mod:`avatarkit.server.store.database` only where the store is opened: SQLAlchemy takes long to load.
"""
