# Copyright The feishuauditreceiver Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the detections in every language from detections/*.yml: `make detections`."""
import argparse
import hashlib
import json
import pathlib
import subprocess
import sys

import dialects
import document
import rules
import yaml
from rules import OUTAGE, ROOT

PARTS = {"victorialogs": "detections/victorialogs/rules.yaml", "loki": "examples/loki/rules/feishu-audit.yaml", "elastic": "detections/elastic/rules.ndjson",
         "opensearch": "detections/opensearch/monitors.ndjson", "splunk": "examples/splunk/app/default/savedsearches.conf", "page": "docs/detections.md"}
SEVERITY = {"critical": "critical", "high": "high", "medium": "medium", "low": "low"}
RISK = {"critical": 99, "high": 73, "medium": 47, "low": 21}

# Of the page that explains each detection, which an alert links to.
PAGE = f"https://github.com/feishuaudit/feishuauditreceiver/blob/main/{PARTS['page']}"


class Text(str):
    """A string that YAML writes as a block."""


yaml.SafeDumper.add_representer(Text, lambda dumper, s: dumper.represent_scalar("tag:yaml.org,2002:str", s, style="|"))


def dump(value):
    return yaml.safe_dump(value, sort_keys=False, width=10**6, allow_unicode=True)


def sources():
    """What the output is made of: rules, keys, and this program."""
    files = [*sorted(rules.FOLDER.glob("*.yml")), rules.FOLDER / "keys.tsv"]
    files += [*sorted(rules.HERE.glob("*.py")), rules.HERE / "requirements.txt"]
    digest = hashlib.sha256()
    for f in files:
        digest.update(f.relative_to(ROOT).as_posix().encode() + b"\0" + f.read_bytes() + b"\0")
    return digest.hexdigest()


def alert(d, expr, labels, subject):
    return {"alert": d.alert, "expr": Text(expr + "\n"),
            "labels": {"severity": d.severity, "level": d.level, "mitre": " ".join(d.techniques)} | labels,
            "annotations": {"summary": f"{d.title}: {subject}", "description": d.description, "runbook_url": f"{PAGE}#{d.alert.lower()}"}}


def subject(d, field):
    parts = [name for name in ("app_id", "ip") if name in d.group] or ["tenant"]
    return ", ".join(field(p) for p in parts)


def label(field):
    return "{{ $labels." + dialects.p.LOKI.fields[field] + " }}"


def group(name, interval, detections, make, **more):
    return {"name": name, "interval": interval, **more, "rules": [make(d) for d in detections]}


def late(d):
    """A count on event time needs a second look. What looks back further than an outage does not."""
    return d.kind not in ("first_seen", "silent") and d.timespan == rules.WINDOW


def victorialogs(all_, head):
    x = dialects.LogsQL()
    make = lambda d, **labels: alert(d, x.query(d), labels, subject(d, label))  # noqa: E731
    groups = [group("feishu-audit", "5m", [d for d in all_ if d.interval == "5m"], make, type="vlogs", concurrency=2),
              group("feishu-audit-hourly", "1h", [d for d in all_ if d.interval == "1h"], make, type="vlogs"),
              group("feishu-audit-late", "1h", [d for d in all_ if late(d)], lambda d: make(d, look="late"), type="vlogs", eval_delay=OUTAGE)]
    return head + dump({"groups": groups})


def loki(all_, head):
    x = dialects.LogQL()
    make = lambda d, offset="", **labels: alert(d, x.query(d, offset), labels, subject(d, label))  # noqa: E731
    first = [d for d in all_ if d.kind == "first_seen"]
    groups = [group("feishu-audit", "5m", [d for d in all_ if d.interval == "5m"], make),
              group("feishu-audit-hourly", "1h", [d for d in all_ if d.interval == "1h" and d not in first], make),
              group("feishu-audit-monthly", "6h", first, make),
              group("feishu-audit-late", "1h", [d for d in all_ if late(d)], lambda d: make(d, OUTAGE, look="late"))]
    return head + dump({"groups": groups})


def elastic(all_, _):
    x, names = dialects.ESQL(), rules.attack()
    lines = []
    for d in all_:
        tactic = [{"framework": "MITRE ATT&CK", "tactic": t["tactic"], "technique": t["technique"]} for t in document.threats(d, names)]
        back = {"first_seen": "now-33d", "silent": "now-48h"}.get(d.kind, "now-26h" if d.timespan != rules.WINDOW else "now-130m")
        lines.append(json.dumps({
            "rule_id": str(d.rule.id), "name": d.title, "description": d.description, "type": "esql", "language": "esql", "query": x.query(d), "enabled": False,
            "severity": SEVERITY[d.level], "risk_score": RISK[d.level], "interval": d.interval, "from": back, "to": "now",
            "timestamp_override": "observed_timestamp", "tags": ["Feishu", *d.tags], "threat": tactic, "false_positives": d.falsepositives,
            "references": [f"{PAGE}#{d.alert.lower()}"], "author": ["The feishuauditreceiver Authors"], "license": "Apache-2.0", "version": 1,
            "note": d.why, "max_signals": 100, "immutable": False, "actions": []}, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def opensearch(all_, _):
    x = dialects.OpenSearch()
    return "".join(json.dumps({
        "type": "monitor", "monitor_type": "bucket_level_monitor", "name": d.alert, "enabled": False,
        "schedule": {"period": {"interval": 60 if d.interval == "1h" else 5, "unit": "MINUTES"}},
        "inputs": [{"search": {"indices": ["logs-feishu.openapi.otel-*"], "query": without_trigger(x.query(d))}}],
        "triggers": [{"bucket_level_trigger": {"name": d.alert, "severity": {"critical": "1", "high": "2", "medium": "3"}.get(d.level, "4"),
                                               "condition": x.query(d)["aggregations"]["groups"]["aggregations"]["keep"]["bucket_selector"]
                                               | {"parent_bucket_path": "groups"}, "actions": []}}],
    }) + "\n" for d in all_)


def without_trigger(search):
    del search["aggregations"]["groups"]["aggregations"]["keep"]
    return search


def splunk(all_, head):
    x = dialects.SPL()
    text = head
    for d in all_:
        since = {"first_seen": "-33d", "silent": "-48h"}.get(d.kind)
        ranges = {"dispatch.earliest_time": since or "-33d", "dispatch.latest_time": "+1d"}
        if not since:
            ranges |= {"dispatch.index_earliest": "-26h" if d.timespan != rules.WINDOW else "-130m", "dispatch.index_latest": "now"}
        note = json.dumps({"mitre_attack": d.techniques})
        settings = {"search": x.query(d).replace("\n", " \\\n"), "description": d.description, "disabled": "1", "enableSched": "1",
                    "cron_schedule": "7 * * * *" if d.interval == "1h" else "*/5 * * * *", **ranges, "counttype": "number of events", "relation": "greater than", "quantity": "0",
                    "alert.severity": {"critical": "6", "high": "5", "medium": "4"}.get(d.level, "3"), "alert.track": "1", "alert.digest_mode": "0", "alert.suppress": "1",
                    "alert.suppress.period": "24h", "alert.suppress.fields": ", ".join(x.f[f] for f in d.group),
                    "action.correlationsearch.enabled": "1", "action.correlationsearch.label": d.title, "action.correlationsearch.annotations": note}
        text += f"\n[{d.alert}]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items())
    return text


def refused(text):
    """What Grafana's grammar of LogQL, which `make logql` fetches, does not know in the rules for Loki."""
    expressions = {f"{g['name']}/{r['alert']}": r["expr"] for g in yaml.safe_load(text)["groups"] for r in g["rules"]}
    run = subprocess.run(["node", "parse.js"], cwd=ROOT / "_build/logql", input=json.dumps([*expressions.values()]), capture_output=True, text=True, check=True)
    return [f"{name}: not LogQL: {fault}" for name, fault in zip(expressions, json.loads(run.stdout), strict=True) if fault]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--check", action="store_true", help="fail where the committed output is stale")
    check = arguments.parse_args().check
    for issue in (issues := rules.check()):
        print(issue, file=sys.stderr)
    if issues:
        sys.exit("the rules are not valid")
    all_ = rules.load()
    head = f"# Generated from detections/*.yml by `make detections`: edit those. docs/detections.md explains each.\n# sources: {sources()}\n"
    stale = []
    for name, path in PARTS.items():
        text = document.page(all_, sources()) if name == "page" else globals()[name](all_, head)
        file = pathlib.Path(ROOT, path)
        if check and (not file.exists() or file.read_text() != text):
            stale.append(path)
        if check and name == "loki" and (faults := refused(text)):
            sys.exit("\n".join(faults))
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    if stale:
        sys.exit("stale, run `make detections`: " + ", ".join(stale))
    print(f"{len(all_)} detections, {len(PARTS)} files")


main()
