"""What tests share: worlds, planted runs, stand-ins, and Locust as a process."""
