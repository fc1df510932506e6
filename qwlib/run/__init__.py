"""What people run: chapters with other parameters, the whole book, and sweeps of many wells."""
