"""Runs the Athena table and queries of deploy/analytics over files of the archive, in DuckDB.

    athena-in-duckdb.py TABLE.sql QUERIES.sql FOLDER NAME=VALUE…

FOLDER holds <stream>/dt=…/hour=…/*.ndjson.gz. Prints one JSON list of rows for each query.
"""

import json
import re
import sys
from pathlib import Path

import duckdb


def columns(table):
    """Columns and their types, of the table's own text."""
    body = re.search(r"millrace_ndjson \((.*?)\n\)", table, re.S).group(1)
    return [line.strip().rstrip(",").split(" ", 1) for line in body.strip().splitlines()]


def duck_type(kind):
    """struct<a:string,b:struct<c:bigint>> as STRUCT("a" VARCHAR,"b" STRUCT("c" BIGINT))."""
    for name, other in (("string", "VARCHAR"), ("bigint", "BIGINT"), ("int", "INTEGER")):
        kind = re.sub(rf"\b{name}\b", other, kind)
    members = re.sub(r"(\w+):", r'"\1" ', kind)
    return members.replace("struct<", "STRUCT(").replace(">", ")")


def main(table_file, queries_file, folder, *given):
    table = Path(table_file).read_text()
    values = dict(item.split("=", 1) for item in given)
    source = dict(re.findall(r"'mapping\.(\w+)' = '([^']+)'", table))
    db = duckdb.connect()
    db.execute("CREATE MACRO json_extract_scalar(text, path) AS json_extract_string(text, path)")
    # A string column takes an object as its text of JSON, in Athena; here the type has to say so.
    types = {
        source.get(name, name): "JSON" if name == "fields" else duck_type(kind) for name, kind in columns(table)
    }
    typed = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    asked = ", ".join(f'"{source.get(name, name)}" AS {name}' for name, _ in columns(table))
    files = f"{folder}/*/dt=*/hour=*/*.ndjson.gz"
    db.execute(
        f"""CREATE TABLE millrace_ndjson AS
            SELECT {asked}, split_part(substr(filename, {len(folder) + 2}), '/', 1) AS stream,
              CAST(dt AS VARCHAR) AS dt, CAST(hour AS VARCHAR) AS hour
            FROM read_json('{files}', format = 'newline_delimited', columns = {{{typed}}},
              filename = true, hive_partitioning = true)"""
    )
    text = re.sub(r"^--.*$", "", Path(queries_file).read_text(), flags=re.M)
    for query in filter(None, (part.strip() for part in text.split(";"))):
        query = re.sub(r"\$\{(\w+)\}", lambda m: values[m.group(1)], query)
        print(json.dumps(db.execute(query).fetchall(), default=str))


main(*sys.argv[1:])
