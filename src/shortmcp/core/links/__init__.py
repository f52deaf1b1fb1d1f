"""Short links: what they are, what may be asked of them, and the rules for both."""
