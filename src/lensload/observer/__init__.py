"""The process that reads events back and times them. It never produces one."""
