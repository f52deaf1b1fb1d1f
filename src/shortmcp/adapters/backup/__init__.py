"""Copies of a database that is in use, and the way back.

What ties a visitor's hash to an address stays out of every copy: a salt that is thrown away after a day must not live
on in a backup, nor may an unreadable line of the journal, which may hold an address.
"""

from shortmcp.adapters.backup.files import Report, unfinished
from shortmcp.adapters.backup.postgres import dump
from shortmcp.adapters.backup.restoring import is_served, restore
from shortmcp.adapters.backup.sqlite import check, copy

__all__ = ["Report", "check", "copy", "dump", "is_served", "restore", "unfinished"]
