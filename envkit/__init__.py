"""envkit: images for training and development that are proven to work."""
