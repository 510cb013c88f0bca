"""Renderers and surfaces."""
