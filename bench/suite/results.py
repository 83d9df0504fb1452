"""Results of parts, and what is computed of them."""

import datetime
import json
import re
import statistics

from .measuring import STT, rounds_of


def new_part(part, setting, found):
    return {"name": part.name, "date": datetime.date.today().isoformat(), "rounds": rounds_of(part, setting),
            "is_quick": setting.is_quick, "results": found}


def merged(before, machine, parts):
    """The parts that were run, and those of an earlier run on such a machine."""
    same = before.get("machine", {}).get("processor") == machine["processor"]
    kept = {part["name"]: part for part in before.get("parts", []) if same}
    kept.update({part["name"]: part for part in parts})
    return {"machine": machine, "parts": list(kept.values())}


def load(path):
    return json.loads(path.read_text()) if path.is_file() else {}


def save(path, document):
    """A line a result, so that a change can be read."""
    machine = json.dumps(document["machine"], indent=2, ensure_ascii=False)
    parts = []
    for part in document["parts"]:
        head = {key: value for key, value in part.items() if key != "results"}
        lines = ",\n".join("    " + json.dumps(result, ensure_ascii=False) for result in part["results"])
        parts.append(json.dumps(head, ensure_ascii=False)[:-1] + f', "results": [\n{lines}\n]}}')
    path.write_text('{"machine": ' + machine + ',\n"parts": [\n' + ",\n".join(parts) + "\n]}\n")


def groups_of(cases):
    """Cases that differ in the number that they end with: {what they share: [(number, case)]}."""
    groups = {}
    for case in cases:
        shared, number = re.fullmatch(r"(.*?)[,: ]*([\d.]+)(?: %)?", case).groups()
        groups.setdefault(shared, []).append((float(number), case))
    return groups


class PartResults:
    """One part's results, to be asked for by case and subject."""

    def __init__(self, entry):
        self.entry = entry
        self.by_key = {(result["case"], result["subject"]): result["metrics"] for result in entry["results"]}
        self.cases = list(dict.fromkeys(case for case, _ in self.by_key))
        self.subjects = list(dict.fromkeys(subject for _, subject in self.by_key))

    def values(self, case, subject, metric):
        return self.by_key.get((case, subject), {}).get(metric, [])

    def median(self, case, subject, metric):
        values = self.values(case, subject, metric)
        return statistics.median(values) if values else None

    def ratios(self, first, second, metric):
        """Round by round, of two (case, subject): what is measured side by side is compared so."""
        return [a / b for a, b in zip(self.values(*first, metric), self.values(*second, metric)) if b]

    def ratio(self, first, second, metric):
        ratios = self.ratios(first, second, metric)
        return statistics.median(ratios) if ratios else None

    def plain_subject(self, case=None):
        """The subject that is ours, of which there may be several: the plain one, or the first."""
        ours = [subject for subject in self.subjects
                if subject.startswith(STT) and (case is None or (case, subject) in self.by_key)]
        return STT if STT in ours else next(iter(ours), None)
