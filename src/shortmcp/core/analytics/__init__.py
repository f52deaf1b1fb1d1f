"""Click analytics: what was clicked, when, and by whom, exact in any time zone."""
