"""Converts Sigma rules with pySigma's SQLite backend, runs them over events in SQLite and prints each rule's events.

Arguments: a file of events, then folders of rules. A line of the file is {"event": {...}} for every rule, or
{"event": {...}, "rule": id} for one. Prints one JSON line a rule document: {"file", "document", "id", "sql": [...],
"events": [lines, from 0]} or {"file", "document", "error"}.
"""

import json
import re
import sqlite3
import sys
from collections import Counter
from pathlib import Path

import yaml
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.policy.profiles import TrustedPolicy
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import FieldMappingTransformation

FULLTEXT = "picket_fulltext"
LINE = "picket_line"
OWNER = "picket_owner"


def rule_documents(paths):
    """Each rule document: its file, its place in the file and its text."""
    for path in paths:
        files = sorted(Path(path).rglob("*.yml")) if Path(path).is_dir() else [Path(path)]
        for file in files:
            documents = [d for d in yaml.safe_load_all(file.read_text("utf8")) if d is not None]
            for place, document in enumerate(documents):
                yield str(file), place, document


def leaves(node, path=""):
    """Dotted field and value of every leaf; a list is a leaf, as a column holds one value."""
    for key, value in node.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield from leaves(value, name)
        else:
            yield name, value


def scalars(node):
    """Every scalar below a value: what keyword search looks through."""
    if isinstance(node, dict):
        for value in node.values():
            yield from scalars(value)
    elif isinstance(node, list):
        for value in node:
            yield from scalars(value)
    elif node is not None:
        yield as_text(node)


def as_text(value):
    """The text that a TEXT column holds: booleans in words, as rules compare them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def separate_columns(uses):
    """A column a field: SQLite's column names ignore case, Sigma's field names do not.

    What most rules ask for comes first, since SQLite reads a row from its beginning.
    """
    columns, taken = {}, set()
    for field in sorted(uses, key=lambda field: (-uses[field], field)):
        column = field
        while column.lower() in taken:
            column += "_"
        taken.add(column.lower())
        columns[field] = column
    return columns


def open_table(columns):
    """An empty table `logs`, declared as the backend's own ensure_fields does."""
    connection = sqlite3.connect(":memory:")
    declared = ", ".join(f"`{column}` TEXT COLLATE NOCASE" for column in columns.values())
    connection.execute(f"CREATE TABLE logs ({declared}, {FULLTEXT} TEXT, {LINE} INTEGER, {OWNER} TEXT)")
    connection.execute(f"CREATE INDEX owner ON logs ({OWNER})")
    patterns = {}

    def search(pattern, value):
        if value is None:
            return False
        if pattern not in patterns:
            patterns[pattern] = re.compile(pattern)
        return patterns[pattern].search(value) is not None

    connection.create_function("regexp", 2, search, deterministic=True)
    return connection


def fill_tables(everyones, own, columns, events_file):
    """Events for every rule go to one table, those made for one rule to the other, by its id."""
    insert = f"INSERT INTO logs VALUES ({', '.join('?' * (len(columns) + 3))})"
    with open(events_file, encoding="utf8") as lines:
        for at, line in enumerate(lines):
            read = json.loads(line)
            event, owner = read["event"], read.get("rule")
            values = dict(leaves(event))
            row = [None if values.get(name) is None else as_text(values[name]) for name in columns]
            table = everyones if owner is None else own
            table.execute(insert, [*row, "\n".join(scalars(event)), at, owner])


def run(query, identity, everyones, own):
    """Lines of the events that a query finds."""
    where = query.removeprefix("SELECT * FROM logs WHERE ")
    assert where != query
    for (line,) in everyones.execute(f"SELECT {LINE} FROM logs WHERE {where}"):
        yield line
    of_rule = f"SELECT {LINE} FROM logs WHERE {OWNER} = ? AND ({where})"
    for (line,) in own.execute(of_rule, [identity]):
        yield line


def read_rules(paths, backend):
    """Rules that pySigma reads, and how many ask for each field; the others are printed with the reason."""
    read, uses = [], Counter()
    for file, place, document in rule_documents(paths):
        found = {"file": file, "document": place}
        try:
            collection = SigmaCollection.from_dicts([document], policy=TrustedPolicy)
            rule = collection.rules[0]
            uses.update(backend.required_fields(rule))
            read.append(({**found, "id": str(rule.id)}, document))
        except Exception as error:
            print(json.dumps({**found, "error": f"{type(error).__name__}: {error}"}))
    del uses[FULLTEXT]
    return read, uses


def main(events_file, paths):
    read, uses = read_rules(paths, sqliteBackend(fulltext_field=FULLTEXT))
    columns = separate_columns(uses)
    renamed = {field: column for field, column in columns.items() if field != column}
    pipeline = ProcessingPipeline(items=[ProcessingItem(FieldMappingTransformation(renamed))])
    backend = sqliteBackend(pipeline, fulltext_field=FULLTEXT)
    everyones, own = open_table(columns), open_table(columns)
    fill_tables(everyones, own, columns, events_file)
    for found, document in read:
        try:
            sql = backend.convert(SigmaCollection.from_dicts([document], policy=TrustedPolicy))
            events = {line for query in sql for line in run(query, found["id"], everyones, own)}
            print(json.dumps({**found, "sql": sql, "events": sorted(events)}))
        except Exception as error:
            print(json.dumps({**found, "error": f"{type(error).__name__}: {error}"}))


main(sys.argv[1], sys.argv[2:])
