"""Events as columns, batches by topic: what a source of events gives and an encoder takes. It never decides a value."""
