#!/usr/bin/env python3
"""scripts/check_clauses.py finds each fault that is planted into a small specification."""

import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import check_clauses  # noqa: E402

PROTOCOL = """# Protocol
Numbers are big-endian.

## 1. Words
1.1 One rule, in one paragraph.
1.2 **Two.** (a) The first. (b) The second, of f(x).

## 2. Messages
2.1 Kinds, as §1.2 (a) says:

| kind | body |
| --- | --- |
| 0x01 PING · 0x02 PONG | token |
| 0x03 KEY_ROTATION | epoch |

## 3. History
Nothing that binds.
"""
STC = """# Cryptography

## Context: keys
(a) One. (b) Two.
"""
TRANSFER = """# Transfer

## 1. Records
1.1 A record.
"""
TESTS = """
TEST_CASE("protocol preface: big-endian") {}
TEST_CASE("protocol §1.1, §1.2 (a)(b): words") {}
TEST_CASE(
    "protocol §2.1 PING, PONG: answers, and "
    "protocol §2.1 KEY_ROTATION") {}
TEST_CASE("stc Context (a)(b): keys") {}  // transfer §1.1
"""
RULES = check_clauses.Rules(
    numbered=("protocol", "transfer"),
    rows=frozenset({"protocol §2.1"}), pending=frozenset(),
    binds_nothing={"protocol §3": "is history", "transfer preface": "is a title"})


class CheckClausesTest(unittest.TestCase):
    def faults(self, protocol=PROTOCOL, tests=TESTS, source="", rules=RULES):
        """The lines that are printed, without the last."""
        printed = []
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in (("docs/spec/protocol.md", protocol), ("docs/spec/stc.md", STC),
                               ("docs/spec/transfer.md", TRANSFER), ("tests/a_test.cpp", tests),
                               ("src/a.cpp", source)):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            count = check_clauses.check(root, rules, print_line=printed.append)
        self.assertEqual(count, len(printed) - 1)
        return printed[:-1]

    def assert_one_fault(self, part, **planted):
        faults = self.faults(**planted)
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(part, faults[0])

    def test_nothing_is_wrong(self):
        self.assertEqual(self.faults(), [])

    def test_a_paragraph_that_no_test_cites(self):
        self.assert_one_fault("no test cites protocol §1.1",
                              tests=TESTS.replace("§1.1, §1.2", "§1.2"))

    def test_a_letter_that_no_test_cites(self):
        self.assert_one_fault("no test cites protocol §1.2 (b)", tests=TESTS.replace(")(b): w", "): w"))

    def test_a_paragraph_covers_none_of_its_letters(self):
        tests = TESTS.replace("§1.2 (a)(b)", "§1.2")
        self.assertEqual(len(self.faults(tests=tests)), 2)

    def test_a_row_that_no_test_cites(self):
        self.assert_one_fault("no test cites protocol §2.1 PONG", tests=TESTS.replace("PING, PONG", "PING"))

    def test_a_heading_letter_that_no_test_cites(self):
        self.assert_one_fault("no test cites stc Context (b)",
                              tests=TESTS.replace("Context (a)(b)", "Context (a)"))

    def test_a_source_is_no_test(self):
        self.assert_one_fault("no test cites transfer §1.1", tests=TESTS.replace("transfer §1.1", ""),
                              source="// Spec transfer §1.1")

    def test_a_citation_of_what_is_not_there(self):
        for text in ("// Spec protocol §1.3", "// Spec protocol §1.2 (c)", "// Spec protocol §4",
                     "// Spec protocol §2.1 HELLO", "// protocol §1.1 and §9.9",
                     "// Spec stc Contexts", "// Spec stc Context (c)", '"stc Keys: of all"'):
            with self.subTest(text):
                self.assert_one_fault("which is not there", source=text)

    def test_a_reference_inside_the_specification_to_what_is_not_there(self):
        self.assert_one_fault("refers to §1.7", protocol=PROTOCOL.replace("as §1.2 (a)", "as §1.7"))

    def test_a_paragraph_without_number(self):
        self.assert_one_fault("without number or letter",
                              protocol=PROTOCOL.replace("\n## 2.", "\nA rule on its own.\n\n## 2."))

    def test_text_before_the_first_number(self):
        self.assert_one_fault("before the first number",
                              protocol=PROTOCOL.replace("2.1 Kinds", "A rule.\n2.1 Kinds"))

    def test_a_rule_before_the_first_letter(self):
        self.assert_one_fault("a rule before (a)",
                              protocol=PROTOCOL.replace("**Two.** (a)", "A rule. (a)"))

    def test_numbers_and_letters_out_of_order(self):
        self.assert_one_fault("where (b) should be",
                              protocol=PROTOCOL.replace("(b) The", "(c) The"),
                              tests=TESTS.replace("(a)(b): w", "(a)(c): w"))
        self.assert_one_fault("out of order", protocol=PROTOCOL.replace("1.2 **", "1.3 **")
                              .replace("§1.2", "§1.3"), tests=TESTS.replace("§1.2", "§1.3"))

    def test_an_excuse_for_what_is_not_there(self):
        rules = check_clauses.Rules(
            numbered=("protocol", "transfer"),
            rows=RULES.rows, pending=frozenset({"protocol §7.7"}),
            binds_nothing=RULES.binds_nothing)
        self.assert_one_fault("is excused and is not there", rules=rules)


if __name__ == "__main__":
    unittest.main()
