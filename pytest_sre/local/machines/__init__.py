"""Machines of the local platform: their records, their processes, and what may be asked of them."""
