"""From pictures to what encoders take: planes of light and colour, by a compiled loop."""
