"""Reads the archive's NDJSON layout with Spark (EMR, Glue or a laptop), each event once.

    spark-submit read_archive.py s3://BUCKET/PREFIXndjson/STREAM/ 2026-02-03 2026-02-05 s3://BUCKET/reports/

Days are those of arrival (UTC), as the archive's partitions. What is written is a folder of Parquet with the number of
events by tag and hour.
"""

import sys

from pyspark.sql import SparkSession, functions, types

text = types.StringType()
schema = types.StructType(
    [
        types.StructField("event_id", text, False),
        types.StructField("block_id", text, False),
        types.StructField("@timestamp", text, False),
        types.StructField("message", text),
        types.StructField("tag", text),
        types.StructField("host", types.StructType([types.StructField("name", text)])),
        types.StructField("log", types.StructType([types.StructField("level", text)])),
        # Names differ from record to record: text of JSON, for get_json_object.
        types.StructField("fields", text),
    ]
)


def events(spark, source, first, last):
    """The events that arrived from one day to another, both included; one row each."""
    days = functions.col("dt").between(functions.lit(first), functions.lit(last))
    return spark.read.schema(schema).json(source).where(days).dropDuplicates(["event_id"])


def main(source, first, last, target):
    spark = SparkSession.builder.appName("millrace-archive").getOrCreate()
    hour = functions.substring("@timestamp", 1, 13).alias("event_hour")
    counted = events(spark, source, first, last).groupBy(hour, "tag").count()
    counted.write.mode("overwrite").parquet(target)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
