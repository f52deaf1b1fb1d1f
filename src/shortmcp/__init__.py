"""Links for AI agents and the people behind them: one core, offered over MCP and over REST."""

__version__ = "0.1.0"
