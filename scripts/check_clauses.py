#!/usr/bin/env python3
"""Holds the tests to the specification: every clause of docs/spec/ that says what an
implementation does is cited by a test, and every clause that anything cites exists.

A clause is the smallest unit that has a name:

    protocol §4.1 (b)       a lettered rule of a numbered paragraph
    protocol §3.8           a numbered paragraph without letters
    protocol §8.1 PING      a row of a table whose rows are rules
    stc DSF (b), stc CKE    the same by the headings of stc.md, which have no numbers

Several of one paragraph are cited as `protocol §4.1 (b)(c)` or `protocol §8.1 PING, PONG`,
several paragraphs as `protocol §3.1, §3.6 (d)`. Naming a whole section or paragraph that has
letters or rows is allowed, says where to read, and covers none of them.

Prints one line for each fault; the exit code is 1 when there is any. With --list it prints
each clause with the tests that cite it instead.
"""

import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


PENDING = frozenset()


@dataclass
class Rules:
    """What the text of the specification cannot say about itself."""
    numbered: tuple = ("protocol", "transfer", "live")
    headed: tuple = ("stc",)
    # Paragraphs with tables in which each row is a rule of its own, named in its first cell.
    rows: frozenset = frozenset({
        "protocol §4.0", "protocol §7.2", "protocol §8.1"})
    # Text that says nothing about what an implementation does, and why.
    binds_nothing: dict = field(default_factory=lambda: {
        "protocol §2.2 (d)": "permits, and asks nothing",
        "protocol §14": "says where the seed specification is left, for its readers",
        "protocol §15": "what follows for an observer from all the rest",
        "transfer §1.3": "permits, and asks nothing",
        "live preface": "says what the page is about",
        "transfer preface": "says what the page is about",
        "stc Why not the published Python package": "gives the reason for stc.md",
        "stc What STC does not give": "says what not to expect",
    })
    # Clauses whose features are on their way. To be empty.
    pending: frozenset = PENDING


MARKER = re.compile(r"(?:(?<=^)|(?<=[\s|]))\(([a-z])\)(?= )", re.MULTILINE)
REFERENCE_END = re.compile(r"§[\d.]+ (?:\([a-z]\))*$")
NUMBERED = re.compile(r"(\d+\.\d+) ")
SECTION = re.compile(r"## (\d+)\. ")
ROW_NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b")
FIRST_CELL = re.compile(r"\|[^|]*")
LEAD = re.compile(r"|(\*\*[^*]+\*\*:?)|.*:", re.DOTALL)


class Document:
    """The clauses of one page."""

    def __init__(self, name, path, rules):
        self.name = name
        self.path = path
        self.paragraphs = {}                 # name -> line
        self.letters = defaultdict(list)     # paragraph -> letters in order
        self.row_names = defaultdict(list)   # paragraph -> names of rows
        self.faults = []                     # (line, text)
        lines = path.read_text(encoding="utf-8").split("\n")
        if name in rules.numbered:
            self.read_numbered(lines, rules)
        else:
            self.read_headed(lines)

    def read_numbered(self, lines, rules):
        section, paragraph, previous, in_code = None, None, "", False
        self.paragraphs[f"{self.name} preface"] = 1
        for number, line in enumerate(lines, 1):
            in_code ^= line.startswith("```")
            heading = SECTION.match(line)
            start = NUMBERED.match(line)
            is_silent = f"{self.name} §{section}" in rules.binds_nothing
            if heading and not in_code:
                section, paragraph = heading.group(1), None
                self.paragraphs[f"{self.name} §{section}"] = number
            elif start and not in_code and section is not None and not is_silent:
                paragraph = self.begin_paragraph(number, section, paragraph, start.group(1))
                self.read_markers(number, paragraph, line[start.end():])
            elif line.strip() and section is not None and not is_silent:
                is_table_head = number < len(lines) and lines[number].startswith("| ---")
                if not is_table_head and not line.startswith("| ---"):
                    self.read_continuation(number, paragraph, line, previous, in_code, rules)
            previous = line

    def begin_paragraph(self, number, section, before, text):
        name = f"{self.name} §{text}"
        last = int(before.split(".")[1]) if before else -1
        first_allowed = (0, 1) if before is None else (last + 1,)
        if text.split(".")[0] != section or int(text.split(".")[1]) not in first_allowed:
            self.faults.append((number, f"{text} is out of order"))
        self.paragraphs[name] = number
        return name

    def read_continuation(self, number, paragraph, line, previous, in_code, rules):
        is_prose = not in_code and not line.startswith(("|", "- ", "```", "("))
        if paragraph is None:
            self.faults.append((number, "text before the first number of its section"))
        elif is_prose and previous.strip() == "":
            self.faults.append((number, "a paragraph without number or letter"))
        elif paragraph in rules.rows and line.startswith("|"):
            self.row_names[paragraph] += ROW_NAME.findall(FIRST_CELL.match(line).group())
        elif not in_code:
            self.read_markers(number, paragraph, line, is_start=False)

    def read_markers(self, number, paragraph, text, is_start=True):
        for match in MARKER.finditer(text):
            if REFERENCE_END.search(text[:match.start()]):
                continue
            letters = self.letters[paragraph]
            expected = chr(ord("a") + len(letters))
            if match.group(1) != expected:
                self.faults.append((number, f"({match.group(1)}) where ({expected}) should be"))
            elif is_start and not letters and not LEAD.fullmatch(text[:match.start()].strip()):
                self.faults.append((number, "a rule before (a)"))
            letters.append(match.group(1))

    def read_headed(self, lines):
        heading, in_code = None, False
        for number, line in enumerate(lines, 1):
            in_code ^= line.startswith("```")
            if line.startswith("## ") and not in_code:
                heading = f"{self.name} {line[3:].split(':')[0].strip()}"
                self.paragraphs[heading] = number
            elif heading is not None and not in_code:
                self.read_markers(number, heading, line, is_start=False)

    def is_parent(self, name):
        return re.fullmatch(rf"{self.name} §\d+", name) is not None

    def clauses(self):
        """Every unit that has to be cited, in order, with its line."""
        for name, line in self.paragraphs.items():
            if name in self.letters or name in self.row_names:
                for letter in self.letters.get(name, []):
                    yield f"{name} ({letter})", line
                for row in self.row_names.get(name, []):
                    yield f"{name} {row}", line
            elif not self.is_parent(name):
                yield name, line


class Citations:
    """Finds what a text cites."""

    def __init__(self, documents, rules):
        self.documents = documents
        numbered = "|".join(rules.numbered)
        reference = r"§\d+(?:\.\d+)?(?: (?:\([a-z]\))+)?(?: [A-Z][A-Z0-9_]+(?:, [A-Z][A-Z0-9_]+)*)?"
        self.reference = re.compile(reference)
        self.in_numbered = re.compile(
            rf"\b({numbered})(?:\.md)? ({reference}(?:(?:,| and| to) {reference})*|preface)")
        headings = [name.split(" ", 1)[1] for document in documents.values()
                    for name in document.paragraphs if document.name in rules.headed]
        headings = "|".join(re.escape(text) for text in sorted(headings, key=len, reverse=True))
        headed = "|".join(rules.headed)
        self.in_headed = re.compile(rf"\b({headed}) ({headings})\b((?: (?:\([a-z]\))+)?)")
        # What claims to be a citation of headings: a test's name, or "Spec stc ...".
        self.claimed = re.compile(rf'(?:"|Spec )({headed}),? (\w+(?: \w+)*)')

    def of(self, text):
        """Yields (position, clause); a clause that does not exist comes as it is written."""
        for match in self.in_numbered.finditer(text):
            name = match.group(1)
            if match.group(2) == "preface":
                yield match.start(), f"{name} preface"
                continue
            for reference in self.reference.finditer(match.group(2)):
                for clause in self.expand(name, reference.group()):
                    yield match.start(), clause
        for match in self.in_headed.finditer(text):
            paragraph = f"{match.group(1)} {match.group(2)}"
            letters = re.findall(r"[a-z]", match.group(3))
            if not letters:
                yield match.start(), paragraph
            for letter in letters:
                yield match.start(), f"{paragraph} ({letter})"
        for match in self.claimed.finditer(text):
            if not self.in_headed.match(text, match.start(1)):
                yield match.start(), f"{match.group(1)} {match.group(2)}"

    def expand(self, name, reference):
        place, *rest = reference.split(" ", 1)
        paragraph = f"{name} {place}"
        rest = rest[0] if rest else ""
        letters = re.findall(r"\(([a-z])\)", rest)
        rows = [word for word in re.findall(r"[A-Z][A-Z0-9_]+", rest)
                if self.documents[name].row_names.get(paragraph)]
        if not letters and not rows:
            yield paragraph
        for letter in letters:
            yield f"{paragraph} ({letter})"
        for row in rows:
            yield f"{paragraph} {row}"

    def exists(self, clause):
        document = self.documents[clause.split(" ")[0]]
        if clause in document.paragraphs:
            return True
        return any(clause == name for name, _ in document.clauses())


def files_under(root, folders, suffixes):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path


def joined_literals(text):
    """Texts that C++ joins are one: a citation may be cut by a line's end."""
    return re.sub(r'"\s*\n\s*"', "", text)


def check_spec(documents, root, citations, report):
    for document in documents.values():
        where = document.path.relative_to(root)
        for line, text in document.faults:
            report(f"{where}:{line}: {text}")
        # A bare § is one of the same page.
        text = document.path.read_text(encoding="utf-8")
        text = re.sub(r"(RFC \d+|\w+\.md\)?) §[\d.]+", "", text)
        for match in re.finditer(r"§(\d+(?:\.\d+)?)(?: (\([a-z]\)))?", text):
            name = f"{document.name} §{match.group(1)}"
            name += f" {match.group(2)}" if match.group(2) else ""
            if not citations.exists(name):
                report(f"{where}: refers to §{match.group(1)}, which is not there")


def check(root, rules, print_line=print, is_listing=False):
    """Returns the number of faults."""
    spec = root / "docs" / "spec"
    documents = {name: Document(name, spec / f"{name}.md", rules)
                 for name in rules.numbered + rules.headed}
    citations = Citations(documents, rules)
    faults = []
    check_spec(documents, root, citations, faults.append)

    cited_by = defaultdict(list)
    folders = ("src", "include", "cli", "testing", "tests", "bench", "examples", "docs")
    suffixes = (".cpp", ".hpp", ".h", ".c", ".py", ".md")
    for path in files_under(root, folders, suffixes):
        # The specification itself, and the faults that this script's own tests plant.
        if path.is_relative_to(spec) or path.is_relative_to(root / "tests" / "source"):
            continue
        where = path.relative_to(root)
        text = joined_literals(path.read_text(encoding="utf-8"))
        for _, clause in citations.of(text):
            if not citations.exists(clause):
                faults.append(f"{where}: cites {clause}, which is not there")
            elif where.parts[0] == "tests":
                cited_by[clause].append(str(where))

    clauses = [(clause, document, line) for document in documents.values()
               for clause, line in document.clauses()]
    excused = set(rules.binds_nothing) | rules.pending
    known = {clause for clause, _, _ in clauses} | {
        name for document in documents.values() for name in document.paragraphs}
    for clause in sorted(excused - known):
        faults.append(f"scripts/check_clauses.py: {clause} is excused and is not there")
    count = 0
    for clause, document, line in clauses:
        paragraph = clause.split(" (")[0]
        if clause in excused or paragraph in excused:
            continue
        count += 1
        if is_listing:
            print_line(f"{clause}: {', '.join(sorted(set(cited_by[clause]))) or '-'}")
        elif not cited_by[clause]:
            faults.append(f"{document.path.relative_to(root)}:{line}: no test cites {clause}")
    for fault in faults:
        print_line(fault)
    print_line(f"clauses: {count}, {len(rules.pending)} pending, "
               f"{len(faults)} faults")
    return len(faults)


def main():
    is_listing = sys.argv[1:] == ["--list"]
    if sys.argv[1:] and not is_listing:
        sys.exit("usage: check_clauses.py [--list]")
    return 1 if check(ROOT, Rules(), is_listing=is_listing) else 0


if __name__ == "__main__":
    sys.exit(main())
