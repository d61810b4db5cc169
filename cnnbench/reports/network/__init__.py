"""One network's page: what is shown of it, in words, in numbers and in charts."""
