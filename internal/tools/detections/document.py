# Copyright The feishuauditreceiver Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/detections.md."""
import csv
import json

import rules

TACTICS = {"initial-access": "TA0001", "persistence": "TA0003", "privilege-escalation": "TA0004", "defense-evasion": "TA0005", "credential-access": "TA0006",
           "discovery": "TA0007", "lateral-movement": "TA0008", "collection": "TA0009", "exfiltration": "TA0010", "impact": "TA0040"}


def threats(d, names):
    """The techniques of a detection by tactic, as Elastic's rules have them."""
    objects = json.loads((rules.HERE / "attack.json").read_text())["objects"]
    phases = {o["external_references"][0]["external_id"]: [p["phase_name"] for p in o.get("kill_chain_phases", [])] for o in objects}
    out = []
    for tactic in [t.removeprefix("attack.") for t in d.tags if t.removeprefix("attack.") in TACTICS]:
        techniques = []
        for t in [t for t in d.techniques if tactic in phases[t]]:
            parent = t.split(".")[0]
            one = {"id": parent, "name": names.get(parent, PARENTS.get(parent, parent)), "reference": f"https://attack.mitre.org/techniques/{parent}/", "subtechnique": []}
            if t != parent:
                one["subtechnique"] = [{"id": t, "name": names[t], "reference": f"https://attack.mitre.org/techniques/{t.replace('.', '/')}/"}]
            techniques.append(one)
        out.append({"tactic": {"id": TACTICS[tactic], "name": names[TACTICS[tactic]], "reference": f"https://attack.mitre.org/tactics/{TACTICS[tactic]}/"}, "technique": techniques})
    return out


PARENTS = {"T1069": "Permission Groups Discovery", "T1078": "Valid Accounts", "T1087": "Account Discovery", "T1114": "Email Collection", "T1136": "Create Account",
           "T1550": "Use Alternate Authentication Material", "T1552": "Unsecured Credentials", "T1564": "Hide Artifacts"}


def executed():
    """What e2e's TestDetections saw: by backend and alert."""
    with open(rules.FOLDER / "executed.tsv") as f:
        return {(r["backend"], r["alert"]): r for r in csv.DictReader(f, delimiter="\t")}


def names_of_keys():
    with open(rules.FOLDER / "keys.tsv") as f:
        return {r["api_key"]: (r["Lark"], r["Feishu"]) for r in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)}


def millions(entries):
    return f"{entries / 1e6:,.0f} M"


def cost(d):
    """Entries that VictoriaLogs looks through in a day, of a million a day."""
    runs, hours = (24, 33 * 24 + 8) if d.kind == "first_seen" else (24, 48) if d.kind == "silent" else (24, 26) if d.timespan != rules.WINDOW else (288 + 24, 2)
    return runs * hours / 24 * 1e6


def cost_loki(d):
    scans = 3 if d.known != "no" else 2
    if d.kind == "first_seen":
        return 4 * scans * 33 * 1e6
    return cost(d)


def table(all_):
    seen = executed()
    lines = ["| detection | ATT&CK | severity | in Sigma | executed on | in time | late | backlog | false alarms | entries read a day |", "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for d in all_:
        rows = [r for (_, a), r in seen.items() if a == d.alert]
        cell = lambda k: ", ".join(dict.fromkeys(r[k] for r in rows)) or "not run"  # noqa: E731
        lines.append(f"| [{d.alert}](#{d.alert.lower()}) | {', '.join(d.techniques)} | {d.level} | {d.sigma} | {', '.join(r['backend'] for r in rows) or '—'} "
                     f"| {cell('in_time')} | {cell('late')} | {cell('backlog')} | {cell('false_alarms')} | {millions(cost(d))} |")
    return "\n".join(lines)


def schedule(d):
    if d.kind == "first_seen":
        return "Every hour, over 33 days and 8 hours; Loki every 6 hours."
    if d.kind == "silent":
        return "Every hour, over 48 hours."
    return f"Every {'5 minutes' if d.interval == '5m' else 'hour'}, over {d.timespan[:-1]} hours."


def section(d, names):
    lines = [f"## {d.alert}", "", d.description, "", f"Why: {d.why}", ""]
    lines.append(f"Severity: {d.level}. {schedule(d)} ATT&CK: " + ", ".join(f"[{t}](https://attack.mitre.org/techniques/{t.replace('.', '/')}/)" for t in d.techniques) + ".")
    lines += ["", "False positives: " + " ".join(d.falsepositives), ""]
    keys = list(dict.fromkeys(k for r in d.base for k in rules.keys(r)))
    if keys:
        lines += ["<details><summary>" + f"{len(keys)} API keys</summary>", "", "| `api_key` | Lark | Feishu |", "| --- | --- | --- |"]
        lines += [f"| `{k}` | {names.get(k, ('—', '—'))[0]} | {names.get(k, ('—', '—'))[1]} |" for k in keys]
        lines += ["", "</details>", ""]
    codes = [str(v) for r in d.base for x in r.detection.detections.values() for i in x.detection_items if getattr(i, "field", "") == "code" for v in i.original_value]
    if codes:
        lines += ["Response codes: " + ", ".join(codes) + ".", ""]
    return "\n".join(lines)


def page(all_, sources):
    names = names_of_keys()
    total, total_loki = sum(map(cost, all_)), sum(map(cost_loki, all_))
    text = (rules.HERE / "page.tmpl").read_text()
    values = {"sources": sources, "count": str(len(all_)), "table": table(all_), "total": f"{total / 1e9:.1f}", "rate": f"{total / 86400:,.0f}",
              "loki_rate": f"{total_loki * 600 / 86400 / 1e6:.0f}", "sections": "\n".join(section(d, names) for d in all_)}
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text
