"""Measurements and proofs against a running deployment on this machine: bounded in count and time, loopback only."""
