"""The `avatarkit` command."""
