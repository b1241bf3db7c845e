"""Fly's built-in metrics of the stand-in: counted here, kept and queried by a real Prometheus."""
