"""Secrets: texts that are read a few times and then are gone."""
