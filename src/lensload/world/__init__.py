"""What happens, as a pure function of the seed. How people behave, clicks included, is in behaviour; no I/O, no clock."""
