"""Which pose at which time: rounds, motion timeline, transitions, life."""
