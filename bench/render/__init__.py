"""How fast avatars are drawn, here and by others."""
