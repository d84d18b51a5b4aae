"""In the place of torch, of which a run on several nodes needs the launcher alone."""
