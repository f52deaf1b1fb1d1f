"""Pastes: texts that are shown at an address of their own."""
