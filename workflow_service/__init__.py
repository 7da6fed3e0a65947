"""What the service does (服务): every effect except HTTP.

`states/` decides, this package writes, `api/` speaks HTTP. Time, ids, randomness, keys and
stores are handed in, never called for, so that a whole school year can run in seconds from one seed.
"""
