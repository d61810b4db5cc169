"""Other people's networks: where a spec's name is found, and how it is built."""
