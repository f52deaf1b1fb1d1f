"""Webhooks: what may be asked of them, how they are signed, and how deliveries are queued, tried and judged."""
