"""Models served on this machine: replicas are sessions, a gateway of its own gives each service one URL."""
