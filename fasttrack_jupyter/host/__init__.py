"""The engine process: ``python -m fasttrack_jupyter.host --home DIR``.

One per home, and the flock on ``engine.lock`` decides which: it goes when its process goes, however that ends,
so there is nothing to expire and nothing to clean up. Who gets the lock binds the socket (an old one is
certainly stale, and replaced); who does not, and finds somebody listening, ends quietly.

What a person waits for is the start, so it is done in this order: lock, bind, listen, go into the background (the
first process ends here, which tells the starter that it can connect), and only then import the rest.
The first request waits in the socket's queue meanwhile.

It ends when no job is unfinished and nobody has been connected for a while, and when told to (SIGTERM, SIGINT,
``POST /v1/shutdown``): sessions go on, and the next engine adopts them. :mod:`.wiring` is the only
place that names concrete adapters.
"""
