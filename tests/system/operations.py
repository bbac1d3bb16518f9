# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/OPERATIONS.md as a script: its commands, word for word, and an archive for apt that has what they ask for."""

import hashlib
import os
import re
import subprocess
import textwrap

SOURCE = os.environ.get("SEALWATCH_SOURCE", os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")))
# apt knows the archive in /root/repository and nothing else, as if nothing else had changed.
ONLY_OURS = """
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*_*
echo 'deb [trusted=yes] copy:/root/repository ./' >/etc/apt/sources.list
chmod go+rx /root
apt-get update
"""


def read():
    """The headings, each with the blocks of commands below it."""
    with open(f"{SOURCE}/docs/OPERATIONS.md", encoding="utf-8") as f:
        parts = re.split(r"^## (.+)\n", f.read(), flags=re.MULTILINE)
    return {heading: [textwrap.dedent(block) for block in re.findall(r"^ *```\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)]
            for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


BLOCKS = read()


def script(heading, number=0, directory="/root", before=""):
    """Words that run a block."""
    return ["sh", "-ec", f"export HOME=/root\ncd {directory}\n{before}\n{BLOCKS[heading][number]}"]


def evidence_elsewhere():
    """The machine stands for the other one, too, to which what is kept is copied."""
    return script("An alert", before='scp() { mkdir elsewhere && cp -r "$2" elsewhere/ && cd elsewhere; }')


def index(package):
    """The archive's, of this one package."""
    with open(package, "rb") as f:
        content = f.read()
    control = subprocess.run(["dpkg-deb", "-f", package], check=True, stdout=subprocess.PIPE).stdout.decode()
    return f"{control}Filename: ./{os.path.basename(package)}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
