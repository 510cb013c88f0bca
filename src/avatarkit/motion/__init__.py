"""Speech to motion: engines behind one contract."""
