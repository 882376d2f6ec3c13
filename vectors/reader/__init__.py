"""An independent reader of the ledger, from the documents alone: RFC 9496, RFC 9591, docs/FORMATS.md and docs/RULES.md.

Python's standard library, clarity before speed, nothing in constant time: for checking vectors, never for secrets.
"""
