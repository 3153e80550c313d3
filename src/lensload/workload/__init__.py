"""Own events: a workload file with schemas, topics and generators as a second source of batches. It sends nothing."""
