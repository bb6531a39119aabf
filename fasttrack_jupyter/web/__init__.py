"""Face 4, ``fasttrack serve``: the HTTP APIs that other systems speak, over the same engine as every face.

Today this is FastTrack's own pipeline API, so that a Backend.AI webserver can forward its ``/pipeline`` here. What is
public of it is its client (``packages/backend.ai-client/src/resources/pipeline.ts`` in Backend.AI's web UI) and what
the webserver does to a request on its way; the shapes follow those.

Nothing is decided here: a request becomes a call of ``api/client``, a view becomes the other system's words. The
client's calls block, so each runs in a thread.
"""
