"""Cases beside a pack (情形): a registrar's table, what the pack makes of it, rows to think about, mutants to catch.

`table` reads and writes the text, `judge` judges it, `rendered` compares steps and numbers, `propose` adds rows at
every edge, `mutants` and `gate` find what no case would notice.
"""
