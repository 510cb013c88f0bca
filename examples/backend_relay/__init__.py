"""Backend Mode as an app would build it: a relay between the Motion Server and whoever draws the avatar."""
