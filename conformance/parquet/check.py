"""Reads the published tables with other programs: pyarrow, DuckDB and pandas.

Each Parquet file is compared, value by value, with the NDJSON and the CSV of the same table, and the examples of docs/views.md are run. Run by hand:

    python3 -m venv venv && venv/bin/pip install -r conformance/parquet/requirements.txt
    venv/bin/python conformance/parquet/check.py TABLES [--without-examples]

TABLES is a directory with all tables in all three formats, as `cargo run -p annuaire-views --example tables RESOURCES TABLES` writes
them. An example that finds nothing is an error: they are for the tables of `annuaire demo`.
"""

import csv
import datetime
import decimal
import json
import os
import pathlib
import re
import sys

import duckdb
import pyarrow
import pyarrow.parquet

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "views.md"
# Rows of a row group; see ROW_GROUP_ROWS of the crate.
ROW_GROUP_ROWS = 65_536


def full_day(text):
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None


def expected(value, name, row, field):
    """The value that Parquet must have for one of NDJSON."""
    if value is None:
        return None
    if pyarrow.types.is_date(field.type):
        return datetime.date.fromisoformat(value) if full_day(value) else None
    if pyarrow.types.is_timestamp(field.type):
        return datetime.datetime.fromisoformat(value).astimezone(datetime.timezone.utc)
    if pyarrow.types.is_decimal(field.type):
        return decimal.Decimal(str(value))
    return value


def csv_text(value):
    """The field that CSV must have for a value of NDJSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def check_table(path):
    file = pyarrow.parquet.ParquetFile(path)
    table = file.read()
    metadata = {k.decode(): v.decode() for k, v in (file.schema_arrow.metadata or {}).items()}
    assert metadata["view"].startswith("https://annuaire.example/fhir/ViewDefinition/"), metadata
    for i in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(i)
        last = i + 1 == file.metadata.num_row_groups
        assert group.num_rows == ROW_GROUP_ROWS or (last and group.num_rows < ROW_GROUP_ROWS), group
        assert all(group.column(c).compression == "ZSTD" for c in range(group.num_columns))
    for field in table.schema:
        assert not pyarrow.types.is_timestamp(field.type) or (field.type.unit, field.type.tz) == ("ms", "UTC"), field
    rows = table.to_pylist()
    with open(path.with_suffix(".ndjson"), encoding="utf-8") as lines:
        plain = [json.loads(line, parse_float=decimal.Decimal) for line in lines]
    assert len(rows) == len(plain), path
    names = list(plain[0]) if plain else []
    for number, (row, values) in enumerate(zip(rows, plain)):
        for name, value in values.items():
            field = table.schema.field(name)
            found = row[name]
            wanted = expected(value, name, values, field)
            assert found == wanted, (path.name, number, name, found, wanted)
            if pyarrow.types.is_date(field.type):
                text = row[name + "_text"]
                assert text == (value if value is not None and not full_day(value) else None), (path.name, number, name, text)
    with open(path.with_suffix(".csv"), encoding="utf-8", newline="") as lines:
        fields = list(csv.reader(lines))
    assert not names or fields[0] == names, fields[0]
    assert [[csv_text(v) for v in values.values()] for values in plain] == fields[1:], path

    counted = duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall()[0][0]
    assert counted == len(rows), path
    for column, kind, *_ in duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall():
        by_duckdb = duckdb.sql(f'SELECT count("{column}") FROM \'{path}\'').fetchall()[0][0]
        assert by_duckdb == sum(row[column] is not None for row in rows), (path, column, kind)
    from_csv = duckdb.sql(f"SELECT count(*) FROM read_csv('{path.with_suffix('.csv')}', all_varchar = true)").fetchall()[0][0]
    assert from_csv == len(rows), path
    print(f"{path.name}: {len(rows)} rows, {len(table.schema)} columns, {file.metadata.num_row_groups} row groups")


def run_examples(directory):
    os.chdir(directory)
    examples = re.findall(r"```(sql|python)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) >= 5, "the page lost its examples"
    for language, text in examples:
        print(f"\n-- {text.strip().splitlines()[0]}")
        if language == "sql":
            found = duckdb.sql(text).limit(5).fetchall()
            assert found, "the example finds nothing"
            print(*found, sep="\n")
        else:
            exec(compile(text, "docs/views.md", "exec"), {})


def main():
    directory = pathlib.Path(sys.argv[1])
    tables = sorted(directory.glob("*.parquet"))
    assert len(tables) == 10, tables
    for path in tables:
        check_table(path)
    if "--without-examples" not in sys.argv[2:]:
        run_examples(directory)
    print("\nall tables are read alike by pyarrow, DuckDB and the text formats")


if __name__ == "__main__":
    main()
