"""The composition root: from settings to adapters, to faces, to processes.

Three files, so that a command line that only writes a token does not wait for the faces to be imported.
"""
