"""What every HTTP route shares: error bodies, limits, headers."""
