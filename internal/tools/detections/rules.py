# Copyright The feishuauditreceiver Authors
# SPDX-License-Identifier: Apache-2.0
"""Reads and validates detections/*.yml."""
import json
import pathlib
import re

import sigma.data.mitre_attack as mitre
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.plugins import InstalledSigmaPlugins
from sigma.validation import SigmaValidator

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
FOLDER = ROOT / "detections"

TENANT = ["service", "tenant"]
APP = [*TENANT, "app_id"]

# How far back a rule looks for what it is about: the last recheck_after of the receiver, an hour, and an hour more.
WINDOW = "2h"
# How far back a first time looks before that: more than a month, so that a monthly job is known.
BASELINE = "33d"
# The longest outage whose backlog the rules on event time see without help: a count has a second look so much later, and
# what counts as recent for a first time is so much longer.
OUTAGE = "6h"
FIRST_SEEN_WINDOW = "8h"
# Loki scans a month four times a day only.
LOKI_FIRST_SEEN_WINDOW = "14h"

# Validators that compare with lists fetched from the network: SigmaHQ's products, where Feishu is not, and D3FEND, which we do not use.
EXCLUDED = {
    "sigmahq_logsource_unknown", "sigmahq_fieldname_cast", "sigmahq_invalid_fieldname", "sigmahq_unknown_field", "sigmahq_filename_prefix",
    "sigmahq_category_event_id", "sigmahq_category_windows_provider_name", "sigmahq_sysmon_missing_eventid", "sigmahq_redundant_field", "d3_fendtag", "sigmahq_correlation_filename_prefix",
}


class Detection:
    """One alert: a Sigma rule or correlation with our `custom` block."""

    def __init__(self, rule, by_name):
        c = rule.custom_attributes["custom"]
        self.rule, self.alert, self.kind, self.why = rule, c["alert"], c["kind"], c["why"]
        self.title, self.description, self.level = rule.title, rule.description, rule.level.name.lower()
        self.falsepositives = rule.falsepositives
        self.tags = [f"{t.namespace}.{t.name}" for t in rule.tags]
        self.techniques = [t.name.upper() for t in rule.tags if re.match(r"t\d", t.name)]
        self.by, self.at_least = c.get("by", []), c.get("at_least", 1)
        self.known = c.get("known") or "no"
        self.base = [by_name[c[k]] for k in ("refused", "accepted")] if self.kind == "temporal" else None
        self.group, self.field, self.timespan = APP, None, WINDOW
        if isinstance(rule, SigmaCorrelationRule):
            self.group = list(rule.group_by)
            self.timespan = rule.timespan.spec
            if self.kind != "temporal":
                self.base = [by_name[rule.rules[0].reference]]
                self.at_least = rule.condition.count
                self.field = rule.condition.fieldref[0] if isinstance(rule.condition.fieldref, list) else rule.condition.fieldref
        elif self.kind == "silent":
            self.group = TENANT
        self.base = self.base or [rule]

    @property
    def severity(self):
        return {"critical": "critical", "high": "warning"}.get(self.level, "info")

    @property
    def sigma(self):
        return {"single": "rule", "first_seen": "event rule; Sigma has no first time", "networks": "event rule; Sigma cannot cut an address",
                "silent": "event rule; Sigma cannot ask for what is missing"}.get(self.kind, "correlation: " + self.kind)

    @property
    def interval(self):
        """How often it runs: what scans a month runs once an hour."""
        return "1h" if self.kind in ("first_seen", "silent") or self.timespan != WINDOW else "5m"


def collection():
    return SigmaCollection.load_ruleset([FOLDER])


def load():
    rules = collection()
    by_name = {r.name: r for r in rules.rules}
    found = [Detection(r, by_name) for r in rules.rules if "custom" in r.custom_attributes]
    return sorted(found, key=lambda d: d.alert)


def check():
    """All of pySigma's and SigmaHQ's validators; the faults found."""
    mitre.set_cache_dir(str(ROOT / "_build" / "detections" / "mitre"))
    mitre.set_url(str(HERE / "attack.json"))
    available = InstalledSigmaPlugins.autodiscover().validators
    validator = SigmaValidator({v for name, v in available.items() if name not in EXCLUDED})
    issues = validator.validate_rules(collection().rules)
    return [f"{type(i).__name__}: {', '.join(str(r.source or r.title) for r in i.rules)}: {i}" for i in issues]


def keys(rule):
    """The API keys that a rule lists, for the documentation."""
    text = []
    for detection in rule.detection.detections.values():
        for item in detection.detection_items:
            if getattr(item, "field", None) == "api_key":
                text += [str(v) for v in item.original_value if re.match(r"^[A-Z]+/open-apis/[^*]*$", str(v))]
    return text


def attack():
    return {o["external_references"][0]["external_id"]: o["name"] for o in json.loads((HERE / "attack.json").read_text())["objects"]}
