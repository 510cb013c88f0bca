"""Making avatars."""
