"""Speech to video without a server: the motion engine, the player and a renderer in virtual time."""
