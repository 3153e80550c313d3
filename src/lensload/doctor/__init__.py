"""Whether a run can be made here: the cluster, the registry, the topics and this machine, looked at before a run."""
