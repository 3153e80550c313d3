"""From columns to the bytes on the wire, as fastavro would write them. It never decides what happens or when."""
