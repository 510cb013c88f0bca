"""The avatar bundle: read, check, describe, deform."""
