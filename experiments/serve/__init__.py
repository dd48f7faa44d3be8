"""Serving an artifact over the network: ``evolve serve``.

| file | what it holds |
|---|---|
| ``settings.py``, ``errors.py`` | limits, addresses, replicas; refusals |
| ``answering.py`` | from a job's prompts to pieces of text, step by step; tokens come from experiments/export |
| ``engine.py`` | who is let in, deadlines, cancellation |
| ``schemas.py``, ``jobs.py``, ``bodies.py``, ``guards.py``, ``api.py`` | HTTP, as OpenAI's clients expect it |
| ``grpc_ingress.py``, ``protocol/`` | the same over gRPC |
| ``member_server.py`` | a member in its process |
| ``leases.py``, ``remote_caches.py``, ``remote_trunks.py``, ``remote_members.py`` | the other end |
| ``deployments.py``, ``cluster.py``, ``serve_config.py`` | Ray Serve |
| ``local.py`` | one process without Ray |
"""
