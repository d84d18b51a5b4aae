"""Who computes: cpu, cuda, ascend behind one interface."""
