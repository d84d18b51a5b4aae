"""The smoke test: does the card, or the CPU, compute what it should, and as fast as it should?"""
