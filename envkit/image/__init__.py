"""Build, verify, manifest: what makes an image and proves it."""
