"""One file per thing outside the process; imported by the composition root and the command line alone."""
