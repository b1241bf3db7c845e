"""The demo shop: `web` and `worker` over `store`, a module to run for each process group."""
