"""Objectives written as OpenSLO, v1 and v2alpha: read from YAML, and written.

Source: the specification, https://github.com/OpenSLO/OpenSLO (README.md is v1, enhancements/
v2alpha.md is v2alpha). Only files are read; no data source is contacted.
"""
