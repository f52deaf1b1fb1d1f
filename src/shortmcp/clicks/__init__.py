"""The hot path: resolve a code, journal the click, ingest it, count it."""
