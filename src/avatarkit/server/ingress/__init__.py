"""Motion Server ingress: speech in over a WebSocket, motion out."""
