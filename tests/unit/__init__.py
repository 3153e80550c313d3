"""Tests without a server or another process: pure parts, one folder a package."""
