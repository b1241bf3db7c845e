"""Telling people: the verdict's block in the terminal, and the tables that explain a failure."""
