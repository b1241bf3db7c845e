"""Telling people: the verdict's block, the tables that explain a failure, the report in HTML."""
