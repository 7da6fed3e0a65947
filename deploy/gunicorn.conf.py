"""gunicorn's settings for the web processes: `gunicorn -c deploy/gunicorn.conf.py`, behind a reverse proxy.

One line can be overruled without touching this file: GUNICORN_CMD_ARGS="--workers 4 --bind 127.0.0.1:8001".
"""

import os

bind = "127.0.0.1:8000"
workers = 3
worker_class = "gthread"
threads = 8

# A worker takes in as many connections and lines them up for its threads; the kernel lines up the rest, for all
# workers. Both lines are short: who waits in them has given up before it is served. nginx's max_conns are below them.
worker_connections = 256
backlog = 256

# Connections to the database must not be shared between processes, as an application loaded before the fork would.
preload_app = False

# The control socket lies in the user's home by default, where a second service of the same user takes it away.
control_socket_disable = True

# An upload over a slow line takes its time in the proxy, not here; a request that takes longer than this is stuck.
timeout = 60
graceful_timeout = 30
keepalive = 5

# The heartbeat file of a worker on a slow disk makes the master kill a healthy worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108

# The path without its query: a search for a pupil's name must not reach the log.
accesslog = "-"
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(B)s %(M)sms"
