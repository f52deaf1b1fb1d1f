"""The ways in: each translates its wire to operations and back, and holds no rule of its own."""
