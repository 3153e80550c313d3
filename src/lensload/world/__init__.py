"""What happens, as a pure function of the seed: people, items, sessions, answers. It never encodes and reads no clock."""
