"""The command line: one module a command. It reads options, calls one package and shows the outcome; it never measures."""
