"""The HTML report of a run: one file, made of the run's recording alone.

What was recorded is read into values (``reading``), counted in buckets so that the page stays small
however long the run was (``buckets``), drawn as SVG (``plots``) and written as a page (``page``).
"""
