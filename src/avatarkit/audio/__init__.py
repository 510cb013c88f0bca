"""Audio: formats, resampling, speakers."""
