"""The peers, each driven as its own documentation drives it; run in the peers' environment (`make bench-env`)."""
