"""For the tests of this project and for authors of backends: fakes, and the suite that a backend must pass."""
