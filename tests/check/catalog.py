#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every MESSAGE_ID has its entry in the journal's catalog, with a subject and a text, and no entry is of nobody's."""

import re

import tree

IDS, CATALOG = "daemon/message-ids.h", "units/sealwatch.catalog"
HEADERS = {"Subject", "Defined-By", "Support", "Documentation"}


def entries(text):
    for entry in re.split(r"^-- ", text, flags=re.M)[1:]:
        head, _, body = entry.partition("\n\n")
        identifier, *headers = head.splitlines()
        yield identifier, dict(line.partition(": ")[::2] for line in headers), body.strip()


def check(tree_):
    ids = re.findall(r'#define SEALWATCH_MESSAGE_(\w+) "([0-9a-f]{32})"', tree_.text(IDS))
    named = {identifier: name for name, identifier in ids}
    if not ids or len(named) != len(ids):
        yield f"{IDS}: no ids, or one twice"
    found = list(entries(tree_.text(CATALOG)))
    for identifier, headers, body in found:
        if identifier not in named:
            yield f"{CATALOG}: {identifier} is in {IDS} not"
        elif not headers.get("Subject") or not body or set(headers) - HEADERS:
            yield f"{CATALOG}: {named[identifier]} ({identifier}) has no subject, no text, or a header that nobody knows"
    identifiers = [identifier for identifier, _, _ in found]
    for identifier, name in named.items():
        if identifiers.count(identifier) != 1:
            yield f"{CATALOG}: {identifiers.count(identifier)} entries for {name} ({identifier})"


ID = "63d460bfd2394532a32edd9cfea01284"
HEADER = f'#define SEALWATCH_MESSAGE_START "{ID}"\n'
ENTRY = f"# of ours\n-- {ID}\nSubject: It starts\nDefined-By: sealwatch\n\nIt is there.\n"

GOOD = [{IDS: HEADER, CATALOG: ENTRY}]
BAD = [({IDS: HEADER, CATALOG: ""}, "0 entries for START"), ({IDS: HEADER, CATALOG: ENTRY * 2}, "2 entries for START"),
       ({IDS: HEADER, CATALOG: ENTRY.replace("It is there.", "")}, "no text"),
       ({IDS: HEADER, CATALOG: ENTRY.replace("Subject", "Object")}, "no subject"),
       ({IDS: HEADER, CATALOG: ENTRY + ENTRY.replace("63d4", "63d5")}, "not")]

tree.run(check, GOOD, BAD)
