"""What people, items and models do, from the seed alone; behaviour has how people click. It never reads a clock or a file."""
