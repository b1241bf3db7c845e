"""Alert policy: what a project's rules can and cannot do, and whether they fire when they should.

Rule files are read and judged without a Prometheus (`rule_files`, `promql`, `firing`,
`conditions`, `policy`); a drill asks a real one (`watching`, `facade`).
"""
