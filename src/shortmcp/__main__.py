"""`python -m shortmcp`."""

from shortmcp.cli import main

main()
