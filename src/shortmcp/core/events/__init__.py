"""What happens to links, pastes and secrets, and how it is written down for those who asked to be told."""
