"""Files of records: Avro container files and Parquet, one schema a file."""
