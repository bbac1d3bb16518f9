#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the code knows stands in its manual page, and what stands there the code knows: verbs and options, configuration
keys, rows of the failure table, kinds of events with their keys, and the D-Bus interface."""

import re
import xml.etree.ElementTree as ElementTree

import tree

# The tables of the code, as sets of lines.


def options_and_verbs(text):
    found = {f"--{name}" for name in re.findall(r'\{ "([a-z-]+)", (?:no|required)_argument,', text)}
    found |= set(re.findall(r'streq\(argv\[\w+\], "(--[a-z-]+)"\)', text))
    for verb, words in re.findall(r'\{ "([a-z]+)",\s*"(?:(check|learn)\b)?[^}]*?(?:verb_\w+|NULL) \}', text):
        found.add(f"{verb} {words}".strip())
    return found - {"--help", "--version"}


def settings(text):
    rows = re.findall(r'(?:SETTING\(|\{ )"(\w+)", "(\w+)", (?:parse|setting)_', text)
    rows += [("Reference", "File")] if 'streq(item->key, "File")' in text else []
    return {f"[{section.upper()}] {key}=" for section, key in rows}


def failures(text):
    rows = re.findall(r'ROW\(\w+, "[a-z-]+", "(\w+)", (\w+),\s*"(.*?)"\)', text)
    return {f"{key}= {action.lower()}: {description}" for key, action, description in rows}


def kinds(text):
    def keys(of, block):
        return {f"{of} {f'[{key}]' if optional else key} ({type_.lower()})"
                for key, type_, optional in re.findall(r'\{ "(\w+)", KEY_(\w+)(, OPTIONAL)? \}', block)}

    found = set()
    for name, block in re.findall(r"\w+ KindKey (common|subject)_keys\[\] = \{\n(.*?)\n\};", text, re.S):
        found |= keys(name, block)
    for name, block in re.findall(r'\[KIND_\w+\] = \{ "([a-z-]+)"(.*?)(?=\[KIND_|\n\};)', text, re.S):
        found |= {f"kind {name}"} | keys(name, block) | ({f"{name} has the subject"} if ".subject = true" in block else set())
    return found


def members(text):
    rows = re.findall(r'^        PART\("([a-z-]+)"()|(?:MEMBER\(|\{ )"([a-z-]+)", (?:EVIDENCE_TYPE_)?([A-Z]+)', text, re.M)
    return {f"{part or key} ({type_.lower() or 'base64'})" for part, _, key, type_ in rows}


def interface(text):
    root = ElementTree.fromstring(re.sub(r"<!DOCTYPE.*?>", "", text, flags=re.S))
    found = set()
    for member in root.find("interface"):
        def arguments(*directions, of=member):
            return ", ".join(f"{a.get('type')} {a.get('name')}" for a in of.findall("arg") if a.get("direction") in directions)

        name = member.get("name")
        if member.tag == "property":
            found.add(f"{name} {member.get('type')}")
        else:
            answer = arguments("out")
            found.add(f"{name}({arguments('in', None)})" + (f" -> {answer}" if answer else ""))
    return found


# The same, from the pages.


def page_options_and_verbs(text):
    verbs = "".join(re.findall(r"^# VERBS.*?(?=^# (?!VERBS)|\Z)", text, re.M | re.S))
    found = {verb for verb in re.findall(r"^\*((?:policy )?[a-z]+)", verbs, re.M)}
    found |= set(re.findall(r"\*sealwatch-verify ([a-z]+)\*", text))
    return found | {option for bold in re.findall(r"\*([^*\n]*)\*", text) for option in re.findall(r"--[a-z-]+", bold)}


def page_settings(text):
    found = set()
    for section, body in re.findall(r"^# \[([A-Z]+)[^\]]*\]\n(.*?)(?=^# |\Z)", text, re.M | re.S):
        for line in re.findall(r"^(\*\w+=\*.*)$", body, re.M):
            found |= {f"[{section}] {key}" for key in re.findall(r"\*(\w+=)\*", line)}
    return found


def page_failures(text):
    return {f"{key} {action}: {what}" for key, action, what in re.findall(r"^\|  (\w+=)\n:  (\w+)\n:  (.*)$", text, re.M)}


def page_kinds(text):
    def keys(of, block):
        return {f"{of} {f'[{key}]' if optional else key} ({type_})"
                for optional, key, type_ in re.findall(r"(\[?)\*(\w+)\*\]?\s+\((\w+)", block)}

    section = text.split("# KINDS\n", 1)[-1].split("\n# ", 1)[0]
    introduction, *items = re.split(r"^\*(?=[a-z-]+\*:)", section, flags=re.M)
    common, _, subject = introduction.partition("Events of the kinds")
    which, _, subject = subject.partition("have the subject")
    found = keys("common", common) | keys("subject", subject)
    found |= {f"{kind} has the subject" for kind in re.findall(r"\*([a-z-]+)\*", which)}
    for item in items:
        name, _, body = item.partition("*:")
        found |= {f"kind {name}"} | keys(name, body.split("\n\n")[0])
    return found


def page_members(text):
    section = text.split("# MEMBERS\n", 1)[-1].split("\n# ", 1)[0]
    return {f"{key} ({type_})" for key, type_ in re.findall(r"^\*([a-z-]+)\* \((\w+)\)", section, re.M)}


def page_interface(text):
    parts = dict(re.findall(r"^# ([A-Z]+)\n(.*?)(?=^# |\Z)", text, re.M | re.S))
    members = re.findall(r"\*([A-Z]\w+)\*\(([^);]*)[^)]*\)( -> [^\n]*)?", parts.get("METHODS", "") + parts.get("SIGNALS", ""))
    found = {f"{name}({arguments}){answer}" for name, arguments, answer in members}
    found |= {f"{name} {type_}" for name, type_ in re.findall(r"\*(\w+)\*\s(b|s|t|u|as|au|a\{\w+\})(?=[ ,.])", parts.get("PROPERTIES", ""))}
    return found


TABLES = [  # sources, what is in them, page, what is on it
    (r"daemon/options\.c", options_and_verbs, "sealwatchd.8", page_options_and_verbs),
    (r"tools/ctl/.*\.c", options_and_verbs, "sealwatchctl.1", page_options_and_verbs),
    (r"tools/fetch/.*\.c", options_and_verbs, "sealwatch-fetch.8", page_options_and_verbs),
    (r"tools/verify/.*\.[ch]", options_and_verbs, "sealwatch-verify.1", page_options_and_verbs),
    (r"policy/config\.c", settings, "sealwatchd.conf.5", page_settings),
    (r"policy/appraisal\.c", settings, "sealwatch.appraisal.5", page_settings),
    (r"policy/(load|rule)\.c", settings, "sealwatch.policy.5", page_settings),
    (r"policy/failure\.c", failures, "sealwatch.policy.5", page_failures),
    (r"lib/kind\.c", kinds, "sealwatch.eventlog.5", page_kinds),
    (r"lib/evidence/member\.c", members, "sealwatch.evidence.5", page_members),
    (r"dbus/org\.sealwatch1\.xml", interface, "org.sealwatch1.5", page_interface),
]


def check(tree_):
    for pattern, of_source, name, of_page in TABLES:
        page = f"man/{name}.scd"
        sources = [f for f in tree_.files if re.fullmatch(pattern, f)]
        if not sources or page not in tree_.files:
            continue
        known = of_source("".join(tree_.text(f) for f in sources))
        written = of_page(tree_.text(page))
        if not known:
            yield f"{' '.join(sources)}: the check finds nothing in it"
        for line in sorted(known - written):
            yield f"{page}: does not say: {line}"
        for line in sorted(written - known):
            yield f"{page}: says what is not in the code: {line}"


# For the proofs.

OPTIONS = '{ "bus", required_argument, NULL, 0 },\n{ "status",\n  "  how it is", verb_status },\n'
CTL = "# VERBS OVER THE BUS\n\n*status* [*--bus* _ADDRESS_]\n\tHow.\n\n*policy check*\n\tIs it right?\n\n# SEE ALSO\n*man*(1)\n"
CTL_SOURCE = OPTIONS + '{ "policy", "check   is it right?", verb_policy },\n'
SETTINGS = 'SETTING("Watch", "Scope", parse_scope, scope, .min = 0),\n'
CONF = "# [WATCH]\n\n*Scope=*\n\tWhat.\n"
ROW = 'ROW(NO_LEASE, "no-lease", "NoLease", DENY,\n    "there is no lease"),\n'
POLICY = "[[ *Key*\n:- *Default*\n:- *What happened*\n|  NoLease=\n:  deny\n:  there is no lease\n"
KIND = '[KIND_SEAL] = { "seal", .subject = true, .keys = { { "name", KEY_TEXT }, { "uid", KEY_COUNT, OPTIONAL } } },\n};\n'
LOG = "# KINDS\n\nEvents of the kinds *seal* have the subject: all.\n\n*seal*: done\n\t*name* (text), [*uid*]\n\t(count)\n"
MEMBERS = '        PART("quote", QUOTE, 1),\n        MEMBER("time", COUNT, time, 0, 0),\n        { "format", EVIDENCE_TYPE_FORMAT, 0, 0, 0 },\n'
EVIDENCE = "# MEMBERS\n\n*quote* (base64)\n\tWhat.\n\n*time* (count)++\n*format* (format)\n\tMore.\n\n# SEE ALSO\n"
XML = """<node><interface name="i"><method name="Open"><arg type="s" name="name" direction="in"/>
<arg type="h" name="secret" direction="out"/></method><property name="State" type="s"/></interface></node>"""
BUS = "# METHODS\n\n*Open*(s name) -> h secret\n\n# PROPERTIES\n\n*State* s.\n"


def trees(*rows):
    return [({source: text, f"man/{page}.scd": written}, *expected) for source, text, page, written, *expected in rows]


GOOD = [files for files, in trees(
    ("tools/ctl/main.c", CTL_SOURCE, "sealwatchctl.1", CTL),
    ("policy/config.c", SETTINGS, "sealwatchd.conf.5", CONF),
    ("policy/failure.c", ROW, "sealwatch.policy.5", POLICY),
    ("lib/kind.c", KIND, "sealwatch.eventlog.5", LOG),
    ("lib/evidence/member.c", MEMBERS, "sealwatch.evidence.5", EVIDENCE),
    ("dbus/org.sealwatch1.xml", XML, "org.sealwatch1.5", BUS))]
BAD = trees(
    ("tools/ctl/main.c", CTL_SOURCE + '{ "seal", "NAME", verb_seal },', "sealwatchctl.1", CTL, "does not say: seal"),
    ("tools/ctl/main.c", OPTIONS, "sealwatchctl.1", CTL, "not in the code: policy check"),
    ("tools/ctl/main.c", CTL_SOURCE, "sealwatchctl.1", CTL.replace("*--bus*", "*--car*") + "*--bus*", "not in the code: --car"),
    ("daemon/options.c", '{ "bus", required_argument, NULL }', "sealwatchd.8", "", "does not say: --bus"),
    ("policy/config.c", SETTINGS, "sealwatchd.conf.5", CONF + "\n*Depth=*\n", "not in the code: [WATCH] Depth="),
    ("policy/config.c", SETTINGS + SETTINGS.replace("Scope", "Depth"), "sealwatchd.conf.5", CONF, "does not say: [WATCH] Depth="),
    ("policy/config.c", "", "sealwatchd.conf.5", "", "finds nothing"),
    ("policy/failure.c", ROW + ROW.replace("NoLease", "NoFile"), "sealwatch.policy.5", POLICY, "does not say: NoFile="),
    ("lib/evidence/member.c", MEMBERS, "sealwatch.evidence.5", EVIDENCE.replace("*time* (count)++\n", "") + "*time* (count)", "does not say: time (count)"),
    ("lib/kind.c", KIND, "sealwatch.eventlog.5", LOG + "\n*open*: more\n", "not in the code: kind open"),
    ("lib/kind.c", KIND, "sealwatch.eventlog.5", LOG + ", *pid* (count)", "not in the code: seal pid (count)"),
    ("lib/kind.c", KIND.replace(".subject = true, ", ""), "sealwatch.eventlog.5", LOG, "not in the code: seal has the subject"),
    ("dbus/org.sealwatch1.xml", XML, "org.sealwatch1.5", BUS.replace("*State* s", "*State* s, *Mode* s"), "not in the code: Mode s"),
    ("dbus/org.sealwatch1.xml", XML.replace("</interface>", '<signal name="A"/></interface>'), "org.sealwatch1.5", BUS,
     "does not say: A()"))

tree.run(check, GOOD, BAD)
