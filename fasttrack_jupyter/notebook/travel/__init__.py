"""What travels with cells: it needs nothing of ours, Python 3.8 and the standard library alone."""
