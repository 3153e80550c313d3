"""Files of records: Avro containers and Parquet, one schema a file. It knows no topic."""
