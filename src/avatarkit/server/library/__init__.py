"""The avatar library: descriptions and bundles, for clients."""
