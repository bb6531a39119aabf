"""Files on this machine that more than one backend keeps: snapshots of code, and how trees are walked and removed."""
