#!/usr/bin/env python3
"""Tests of what scripts/bench makes of measurements: ratios, tables, figures, kept results."""

import contextlib
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "bench"))

from suite import figures, measuring, report, results  # noqa: E402
from suite.measuring import Metric, Outcome, Part, Run, Setting  # noqa: E402
from suite.parts import PARTS, crypto, profile  # noqa: E402

MACHINE = {"processor": {"model": "one"}}


def setting(rounds=3):
    return Setting(pathlib.Path("/nowhere"), pathlib.Path("/nowhere"), False, rounds)


def part_of(runs, **more):
    @contextlib.contextmanager
    def prepare(_):
        yield runs

    return Part(name="bulk", title="Bulk", text="", prepare=prepare,
                metrics=(Metric("rate", "Gbit/s"),), **more)


def entry(values, name="bulk"):
    """values: {(case, subject): {metric: [value a round]}}"""
    return {"name": name, "date": "2026-01-01", "rounds": 3, "is_quick": False,
            "results": [{"case": case, "subject": subject, "metrics": metrics}
                        for (case, subject), metrics in values.items()]}


class Rounds(unittest.TestCase):
    def setUp(self):
        self.addCleanup(setattr, measuring, "complain", measuring.complain)
        measuring.complain = lambda text: None

    def test_runs_are_measured_in_turns(self):
        order = []

        def run(subject):
            def measure():
                order.append(subject)
                return [Outcome("bulk", subject, {"rate": len(order)})]
            return Run(subject, measure)

        found = measuring.run_part(part_of([run("STT"), run("TLS")]), setting())
        self.assertEqual(order, ["STT", "TLS"] * 3)
        self.assertEqual(found[0]["metrics"]["rate"], [1, 3, 5])

    def test_a_subject_that_fails_in_one_round_is_left_out_whole(self):
        calls = []

        def fails_later():
            calls.append(1)
            if len(calls) == 2:
                raise RuntimeError("gone")
            return [Outcome("bulk", "TLS", {"rate": 9})]

        runs = [Run("STT", lambda: [Outcome("bulk", "STT", {"rate": 1})]), Run("TLS", fails_later)]
        found = measuring.run_part(part_of(runs), setting())
        self.assertEqual([result["subject"] for result in found], ["STT"])
        self.assertEqual(len(calls), 2)


class Ratios(unittest.TestCase):
    def test_ratios_are_of_the_same_round(self):
        part = results.PartResults(entry({("bulk", "STT"): {"rate": [10, 20, 30]},
                                          ("bulk", "TLS"): {"rate": [5, 20, 10]}}))
        self.assertEqual(part.ratios(("bulk", "STT"), ("bulk", "TLS"), "rate"), [2, 1, 3])
        self.assertEqual(part.ratio(("bulk", "STT"), ("bulk", "TLS"), "rate"), 2)

    def test_what_was_not_measured_has_no_ratio(self):
        part = results.PartResults(entry({("bulk", "STT"): {"rate": [10]}}))
        self.assertIsNone(part.ratio(("bulk", "STT"), ("bulk", "TLS"), "rate"))
        self.assertIsNone(part.median("bulk", "TLS", "rate"))

    def test_the_plain_subject_is_the_reference_wherever_it_stands(self):
        part = results.PartResults(entry({("bulk", "STT, AVX2 alone"): {"rate": [1]},
                                          ("bulk", "STT"): {"rate": [1]}}))
        self.assertEqual(part.plain_subject("bulk"), "STT")


class Tables(unittest.TestCase):
    def test_a_list_has_median_spread_and_the_ratio_to_each_subject(self):
        found = results.PartResults(entry({("bulk", "STT"): {"rate": [10, 20, 30]},
                                           ("bulk", "TLS"): {"rate": [5, 20, 10]}}))
        text = report.list_table(part_of([]), found)
        self.assertIn("| STT | 20.00 (10.00–30.00) |  |", text)
        self.assertIn("| TLS | 10.00 (5.00–20.00) | 2.00 (1.00–3.00) |", text)

    def test_with_a_baseline_ratios_are_to_that_case(self):
        found = results.PartResults(entry({("sessions 1", "STT"): {"rate": [10, 10, 10]},
                                           ("sessions 100", "STT"): {"rate": [8, 9, 7]}}))
        text = report.list_table(part_of([], baseline="sessions 1"), found)
        self.assertIn("÷ sessions 1", text)
        self.assertIn("| sessions 100 | 8.00 (7.00–9.00) | 0.80 (0.70–0.90) |", text)

    def test_a_grid_has_a_column_for_each_subject(self):
        found = results.PartResults(entry({("fold, 64", "STT"): {"rate": [3]}, ("fold, 64", "AES"): {"rate": [2]},
                                           ("fold, 128", "AES"): {"rate": [2]}}))
        text = report.grid_table(part_of([]), found)
        self.assertIn("| Gbit/s | STT | AES |", text)
        self.assertIn("| fold, 64 | 3.00 | 2.00 (1.50) |", text)
        self.assertIn("| fold, 128 | – | 2.00 |", text)

    def test_a_grid_of_lines_has_the_cases_of_one_line_together(self):
        found = results.PartResults(entry({(case, "STT"): {"rate": [1]}
                                           for case in ("fold, 64", "hash, 64", "fold, 128", "hash, 128")}))
        rows = report.grid_table(part_of([], plot="lines"), found).splitlines()[2:]
        self.assertEqual([row.split(" | ")[0] for row in rows],
                         ["| fold, 64", "| fold, 128", "| hash, 64", "| hash, 128"])

    def test_the_number_of_a_case_is_its_last(self):
        self.assertEqual(results.groups_of(["lost each way: 0.1 %", "lost each way: 5 %"]),
                         {"lost each way": [(0.1, "lost each way: 0.1 %"), (5, "lost each way: 5 %")]})

    def test_the_page_keeps_what_is_around_the_section(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
            report.put_into(page, "new \\1\n")
            self.assertEqual(page.read_text(), f"before\n{report.BEGIN}\n\nnew \\1\n{report.END}\nafter\n")


class Figures(unittest.TestCase):
    def rows(self, bulk):
        found = {"bulk": results.PartResults(entry({("bulk", subject): {"gbit_per_second": [rate]}
                                                    for subject, rate in bulk.items()}))}
        return list(figures.rows_of(found))

    def test_bulk_is_reached_by_its_rate_or_by_its_share_of_raw_udp(self):
        raw = "raw UDP, GSO and GRO"
        for rate, limit, is_reached in ((10, 100, True), (9, 30, True), (9, 100, False)):
            self.assertEqual(self.rows({"STT": rate, raw: limit})[0][3], is_reached)

    def test_the_share_of_raw_udp_is_of_the_better_way_to_drive_it(self):
        row = self.rows({"STT": 9, "raw UDP, GSO and GRO": 90, "raw UDP, GSO and GRO, flooded": 30})[0]
        self.assertFalse(row[3])

    def test_a_peer_that_was_not_measured_is_no_figure(self):
        self.assertEqual([row[0] for row in self.rows({"STT": 1, "TLS 1.3 over TCP": 2})],
                         ["bulk, rate ÷ TLS 1.3 over TCP"])


class Kept(unittest.TestCase):
    def test_a_part_takes_the_place_of_its_earlier_results(self):
        before = {"machine": MACHINE, "parts": [entry({}, "bulk"), entry({}, "loss")]}
        new = entry({("bulk", "STT"): {"rate": [1]}}, "bulk")
        document = results.merged(before, MACHINE, [new])
        self.assertEqual(document["parts"], [new, entry({}, "loss")])

    def test_results_of_another_processor_are_not_kept(self):
        before = {"machine": {"processor": {"model": "another"}}, "parts": [entry({}, "loss")]}
        self.assertEqual(results.merged(before, MACHINE, [entry({})])["parts"], [entry({})])

    def test_what_is_saved_is_read_back(self):
        document = {"machine": MACHINE, "parts": [entry({("bulk", "STT"): {"rate": [1, 2]}}), entry({}, "loss")]}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results.json"
            results.save(path, document)
            self.assertEqual(results.load(path), document)


class Readers(unittest.TestCase):
    def test_names_of_the_cryptography_benchmarks(self):
        found = list(crypto.outcomes_of([{"name": "fold/batch/stt/1400/manual_time", "bytes_per_second": 4e9},
                                         {"name": "fold/single/aes-256-gcm/1400", "bytes_per_second": 2e9},
                                         {"name": "hash/sha3-256/64", "bytes_per_second": 1e9}]))
        self.assertEqual([(outcome.case, outcome.subject) for outcome in found],
                         [("fold batch, 1400", "STT"), ("fold single, 1400", "AES-256-GCM"),
                          ("fold batch, 1400", "AES-256-GCM"), ("hash, 64", "SHA3-256")])

    def test_samples_are_shares_of_their_own_process(self):
        text = ("# head\n 30.00%|  7:bench|bench            |[.] stt::stc::Kernel<stt::stc::Wide<8> >::fold\n"
                " 10.00%|  7:bench|[kernel.kallsyms]|[k] udp_sendmsg\n"
                " 60.00%|  9:bench|libc.so.6        |[.] __memmove_evex\n")
        found = {(outcome.case, outcome.subject): outcome.metrics["percent"]
                 for outcome in profile.outcomes_of(profile.read(text, 7))}
        self.assertEqual(found["cryptography", "sender"], 75)
        self.assertEqual(found["the kernel", "sender"], 25)
        self.assertEqual(found["`stt::stc::Kernel::fold`", "sender"], 75)
        self.assertEqual(found["copying in memory", "receiver"], 100)

    def test_parts_have_names_of_their_own(self):
        names = [part.name for part in PARTS]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
