"""The page's tables, and its plots."""

import re
import textwrap

from .figures import rows_of
from .measuring import STT
from .results import PartResults, groups_of

BEGIN = "<!-- results: made by scripts/bench -->"
END = "<!-- end of results -->"
TEXT_WIDTH = 128


def shown(value, digits):
    return f"{value:,.{digits}f}"


def with_spread(values, median, digits):
    if median is None:
        return "–"
    if len(values) < 2:
        return shown(median, digits)
    return f"{shown(median, digits)} ({shown(min(values), digits)}–{shown(max(values), digits)})"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def list_table(part, results):
    """A row for each subject of each case. The ratio is STT to it, or to the baseline."""
    metrics = [metric for metric in part.metrics
               if any(results.values(*key, metric.name) for key in results.by_key)]
    first = part.metrics[0]
    has_ratio = bool(part.baseline) or len(results.subjects) > 1
    rows = []
    for case in results.cases:
        for subject in results.subjects:
            if (case, subject) not in results.by_key:
                continue
            row = [case, subject]
            for metric in metrics:
                values = results.values(case, subject, metric.name)
                row.append(with_spread(values, results.median(case, subject, metric.name), metric.digits))
            if has_ratio:
                row.append(ratio_of(part, results, case, subject, first.name))
            rows.append(row)
    head = ["case", "subject"] + [metric.title for metric in metrics]
    if has_ratio:
        head.append(f"÷ {part.baseline}" if part.baseline else f"{STT} ÷ this")
    if len(results.cases) == 1:
        head, rows = head[1:], [row[1:] for row in rows]
    elif len(results.subjects) == 1:
        head, rows = head[:1] + head[2:], [row[:1] + row[2:] for row in rows]
    return table(head, rows)


def ratio_of(part, results, case, subject, metric):
    if part.baseline:
        pair = (case, subject), (part.baseline, subject)
    else:
        pair = (case, results.plain_subject(case)), (case, subject)
    if pair[0] == pair[1] or pair[0][1] is None:
        return ""
    ratios = results.ratios(*pair, metric)
    return with_spread(ratios, results.ratio(*pair, metric), 2)


def grid_table(part, results):
    """The first metric: a row for each case; beside each other subject, STT's ratio to it."""
    metric = part.metrics[0]
    cases = results.cases
    if part.plot == "lines":
        cases = [case for group in groups_of(cases).values() for _, case in group]
    rows = []
    for case in cases:
        reference = results.plain_subject(case)
        row = [case]
        for subject in results.subjects:
            median = results.median(case, subject, metric.name)
            cell = "–" if median is None else shown(median, metric.digits)
            if median is not None and not subject.startswith(STT) and reference:
                ratio = results.ratio((case, reference), (case, subject), metric.name)
                if ratio is not None:
                    cell += f" ({shown(ratio, 2)})"
            row.append(cell)
        rows.append(row)
    return table([metric.title] + results.subjects, rows)


def machine_text(machine):
    processor = machine["processor"]
    return (f"{processor['model']} (family/model {processor['family and model']}; {processor['flags']}), "
            f"{machine['cores']} cores, {machine['memory_gb']} GB, virtual: {machine['virtual']}. "
            f"{machine['system']}, Linux {machine['kernel']}, {machine['compiler']}, {machine['openssl']}.\n")


def figures_table(all_results):
    rows = [(what, wanted, measured, "yes" if is_reached else "**no**")
            for what, wanted, measured, is_reached in rows_of(all_results)]
    return table(["figure", "wanted", "measured", "reached"], rows) if rows else ""


def text_of(document, parts, plots, plots_name):
    """The generated section. Plots go to the folder `plots`, which the page knows as `plots_name`."""
    results = {entry["name"]: PartResults(entry) for entry in document["parts"]}
    text = f"### Machine\n\n{machine_text(document['machine'])}\n### Figures\n\n{figures_table(results)}\n"
    for part in parts:
        if part.name not in results:
            continue
        found = results[part.name]
        entry = found.entry
        text += f"### {part.title}\n\n{textwrap.fill(' '.join(part.text.split()), TEXT_WIDTH)}\n\n"
        text += f"Measured on {entry['date']}, {entry['rounds']} rounds in turns"
        text += ", a short run.\n\n" if entry["is_quick"] else ".\n\n"
        text += (grid_table if part.layout == "grid" else list_table)(part, found) + "\n"
        text += draw(part, found, plots, plots_name)
    return text


def draw(part, results, plots, plots_name):
    if not part.plot:
        return ""
    try:
        from . import plotting
    except ImportError:
        return ""
    plots.mkdir(parents=True, exist_ok=True)
    name = f"performance-{part.name}.svg"
    (plotting.lines if part.plot == "lines" else plotting.bars)(part, results, plots / name)
    return f"![{part.title}]({plots_name}/{name})\n\n"


def put_into(page, text):
    """The section between the marks, of a page that has them."""
    before = page.read_text() if page.is_file() else f"# Performance\n\n{BEGIN}\n{END}\n"
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    page.write_text(pattern.sub(lambda _: f"{BEGIN}\n\n{text}{END}", before))
