"""Where things happen: this machine, later others over SSH."""
