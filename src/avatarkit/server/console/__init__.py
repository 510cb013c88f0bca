"""The Console API: session tokens, and the administration of apps, keys and avatars."""
