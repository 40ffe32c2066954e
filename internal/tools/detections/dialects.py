# Copyright The feishuauditreceiver Authors
# SPDX-License-Identifier: Apache-2.0
"""The detections in each query language.

pySigma's backends convert what Sigma can say: the conditions of every rule, and counts where the backend's correlation is right.
This file has the rest once for each language: the windows, the first times, and what a backend converts wrongly, which says so.
"""
import re

import pipeline as p
from logql import LogQLBackend
from sigma.backends.elasticsearch import ESQLBackend
from sigma.backends.opensearch import OpensearchLuceneBackend
from sigma.backends.splunk import SplunkBackend
from sigma.backends.victorialogs import VictoriaLogsBackend
from sigma.collection import SigmaCollection
from rules import BASELINE, FIRST_SEEN_WINDOW, LOKI_FIRST_SEEN_WINDOW, WINDOW, collection


def event_rules():
    """The event rules. Those that a correlation refers to would have no output of their own."""
    rules = [r for r in collection().rules if hasattr(r, "detection")]
    for r in rules:
        r._output = True  # pySigma has no public way back
    return rules


def converted(backend, dialect):
    """Every event rule in a backend's language, by name. Correlations are left out."""
    return {r.name: backend(p.pipeline(dialect)).convert(SigmaCollection([r]))[0] for r in event_rules()}


def condition(d):
    return f">= {d.at_least}"


class LogsQL:
    """For vmalert and VictoriaLogs. A stats pipe has one result, as each result is a series of its own to vmalert. VictoriaLogs
    stores a record twice that is sent twice, so entries are counted by their ids. first_seen only asks whether there are any."""

    entries = "count_uniq(log.record.uid)"

    def __init__(self):
        self.f = p.VICTORIALOGS.fields
        self.base = {n: re.sub(r'feishu\.api_key:~"(\^[^"]*\$)"', self.cheap, q) for n, q in converted(VictoriaLogsBackend, p.VICTORIALOGS).items()}
        # VictoriaLogs takes a tenth of a second to prepare a [^/] for each query, as it writes out all of Unicode. This is the rest of ASCII.
        self.base = {n: q.replace("[^/]+", "[!-.0-~]+") for n, q in self.base.items()}

    @staticmethod
    def cheap(match):
        """A regular expression of many keys costs ten microseconds an entry, which a scan of a month cannot afford. So: the keys
        themselves, and the expression only for keys with an id, which begin like one with a variable."""
        keys = p.PATTERNS.get(match[1])
        if not keys:
            return match[0]
        plain = "feishu.api_key:in(" + ", ".join(f'"{k}"' for k in keys) + ")"
        starts = sorted({k.split(":")[0] for k in keys if ":" in k})
        starts = [s for s in starts if not any(s != o and s.startswith(o) for o in starts)]
        if not starts:
            return plain
        begin = " OR ".join(f'feishu.api_key:="{s}"*' for s in starts)
        varied = p.keys_pattern([k for k in keys if ":" in k])
        return f'({plain} OR ({begin}) AND feishu.api_key:~"^{varied}$")'

    def names(self, fields):
        return ", ".join(self.f[x] for x in fields)

    def query(self, d):
        # The labels of an alert are named as in Loki: Alertmanager takes dots only since release 0.27.
        labels = ", ".join(f"{self.f[x]} as {p.LOKI.fields[x]}" for x in d.group)
        return getattr(self, d.kind)(d, *("(" + self.base[r.name] + ")" for r in d.base)) + " | rename " + labels

    def single(self, d, q):
        return f"_time:{d.timespan} {q} | stats by ({self.names(d.group)}) {self.entries} as value | filter value:>={d.at_least}"

    event_count = single

    def value_count(self, d, q):
        return f"_time:{d.timespan} {q} | stats by ({self.names(d.group)}) count_uniq({self.f[d.field]}) as value | filter value:>={d.at_least}"

    def temporal(self, d, refused, accepted):
        return (f"_time:{d.timespan} ({refused} OR {accepted}) | stats by ({self.names(d.group)}) {self.entries} if {refused} as value, count() if {accepted} as accepted"
                f" | filter value:>={d.at_least} accepted:>0 | delete accepted")

    def first_seen(self, d, q):
        recent, before = f"_time:{FIRST_SEEN_WINDOW}", f"_time:{BASELINE} offset {FIRST_SEEN_WINDOW}"
        span = f"_time:{int(BASELINE[:-1]) * 24 + int(FIRST_SEEN_WINDOW[:-1])}h"
        search = "*" if d.known == "any" else q
        it = f" {q}" if d.known == "any" else ""
        counts = f"count() if ({recent}{it}) as recent, count() if ({before}{it}) as before"
        if d.known == "any":
            counts += f", count() if ({before}) as known"
        text = f"{span} {search} | stats by ({self.names(d.group + d.by)}) {counts}"
        if not d.by:
            known = " known:>0" if d.known == "any" else ""
            drop = "before, known" if d.known == "any" else "before"
            return f"{text} | filter recent:>0 before:0{known} | delete {drop}"
        text += f" | stats by ({self.names(d.group)}) count() if (recent:>0 before:0) as value, sum(before) as known"
        return text + f" | filter value:>={d.at_least}" + (" known:>0" if d.known == "same" else "") + " | delete known"

    def networks(self, d, q):
        return (f'_time:{WINDOW} {q} | format if ({self.f["ip"]}:~"^[0-9.]+$") "<{self.f["ip"]}>" as network'
                f' | format if ({self.f["ip"]}:":") "<{self.f["ip"]}>" as network'
                r' | replace_regexp ("^([0-9]+[.][0-9]+)[.].*$", "$1") at network | replace_regexp ("^([0-9a-f]+:[0-9a-f]*):.*$", "$1") at network'
                f" | stats by ({self.names(d.group)}, _time:1h) count_uniq(network) as networks | stats by ({self.names(d.group)}) max(networks) as value | filter value:>=2")

    def silent(self, d, q):
        return (f"_time:48h {q} | stats by ({self.names(d.group)}) {self.entries} as value, count() if (_time:6h) as recent | filter recent:0 value:>=100 | delete recent")


class LogQL:
    """For Loki's ruler. Loki's ruler has no delay of its own for a group: the second look is an offset."""

    def __init__(self):
        self.base = converted(LogQLBackend, p.LOKI)
        self.f = p.LOKI.fields

    def query(self, d, offset=""):
        self.offset = f" offset {offset}" if offset else ""
        self.window = LOKI_FIRST_SEEN_WINDOW if d.kind == "first_seen" else d.timespan
        return getattr(self, d.kind)(d, *(self.base[r.name] for r in d.base))

    def names(self, fields):
        return ", ".join(self.f[x] for x in fields)

    def count(self, fields, q, window=None, offset=None):
        return f"sum by ({self.names(fields)}) (count_over_time({q} [{window or self.window}]{self.offset if offset is None else offset}))"

    def single(self, d, q):
        return f"{self.count(d.group, q)} >= {d.at_least}"

    event_count = single

    def value_count(self, d, q):
        return f'count by ({self.names(d.group)}) ({self.count([*d.group, d.field], q + " | " + self.f[d.field] + "!=``")}) >= {d.at_least}'

    def temporal(self, d, refused, accepted):
        return f"{self.count(d.group, refused)} >= {d.at_least} and {self.count(d.group, accepted)}"

    def first_seen(self, d, q):
        before = f" offset {self.window}"
        new = f"{self.count(d.group + d.by, q)} unless {self.count(d.group + d.by, q, BASELINE, before)}"
        if d.by:
            new = f"count by ({self.names(d.group)}) ({new}) >= {d.at_least}"
        if d.known != "no":
            known = self.base["feishu_openapi_any"] if d.known == "any" else q
            new = f"{new} and on ({self.names(d.group)}) {self.count(d.group, known, BASELINE, before)}"
        return new

    def networks(self, d, q):
        q += ' | label_format network=`{{ regexReplaceAll "^([0-9]+[.][0-9]+|[0-9a-f]+:[0-9a-f]*)[.:].*$" .client_address "${1}" }}`'
        fields = self.names(d.group)
        hour = lambda back: f"count by ({fields}) (sum by ({fields}, network) (count_over_time({q} [1h]{back}))) >= 2"  # noqa: E731
        hours = int(self.offset.split()[-1][:-1]) if self.offset else 0
        return f"{hour(self.offset)} or {hour(f' offset {hours + 1}h')}"

    def silent(self, d, q):
        return f'{self.count(d.group, q, "48h")} >= 100 unless {self.count(d.group, q, "6h")}'


class ESQL:
    """For Elastic Security. The rule's own range is on observed_timestamp, when the receiver read the entry, so that late
    entries and backlogs are seen whenever they come; counts are by time of the event."""

    head = "from logs-feishu.openapi.otel-* "

    def __init__(self):
        self.base = {n: self.clean(q) for n, q in converted(ESQLBackend, p.ELASTIC).items()}
        self.f = p.ELASTIC.fields

    @staticmethod
    def clean(q):
        q = q.split("| where ", 1)[-1]
        # The backend compares in two-valued logic, ES|QL has three: `not x == y` is not true where x is missing.
        return re.sub(r"not (attributes\.feishu\.app\.id)(==\S+)", r'not coalesce(\1, "")\2', q).replace(
            "not (attributes.feishu.app.id in", 'not (coalesce(attributes.feishu.app.id, "") in')

    def names(self, fields):
        return ", ".join(self.f[x] for x in fields)

    def query(self, d):
        return getattr(self, d.kind)(d, *(self.base[r.name] for r in d.base))

    def _stats(self, d, q, value):
        return f"{self.head}\n| where {q}\n| eval bucket = {self.spans(d)}\n| stats value = {value} by bucket, {self.names(d.group)}\n| where value {condition(d)}"

    @staticmethod
    def spans(d):
        """Each event is in two spans that begin half a span apart: a series of calls that is at most that long lies in one of them."""
        hours = int(d.timespan[:-1])
        return f"mv_append(date_trunc({hours} hours, @timestamp), date_trunc({hours} hours, @timestamp + {hours // 2} hours) - {hours // 2} hours)"

    def single(self, d, q):
        return f"{self.head}\n| where {q}\n| stats value = count(*) by {self.names(d.group)}\n| where value >= 1"

    def event_count(self, d, q):
        return self._stats(d, q, "count(*)")

    def value_count(self, d, q):
        return self._stats(d, q, f"count_distinct({self.f[d.field]})")

    def temporal(self, d, refused, accepted):
        return (f"{self.head}\n| where ({refused}) or ({accepted})\n| eval bucket = {self.spans(d)}, refused = case({refused}, 1, 0), accepted = case({accepted}, 1, 0)\n"
                f"| stats value = sum(refused), accepted = sum(accepted) by bucket, {self.names(d.group)}\n| where value >= {d.at_least} and accepted > 0")

    def first_seen(self, d, q):
        where = "attributes.feishu.api_key is not null" if d.known == "any" else q
        text = (f"{self.head}\n| where {where}\n| eval fresh = case(observed_timestamp > now() - {WINDOW[:-1]} hours, 1, 0), it = case({q}, 1, 0)\n"
                f"| stats recent = sum(fresh * it), before = sum((1 - fresh) * it), known = sum(1 - fresh) by {self.names(d.group + d.by)}\n")
        if not d.by:
            return text + "| where recent > 0 and before == 0" + (" and known > 0" if d.known == "any" else "")
        return (text + "| eval new = case(recent > 0 and before == 0, 1, 0)\n"
                f"| stats value = sum(new), known = sum(before) by {self.names(d.group)}\n| where value {condition(d)}" + (" and known > 0" if d.known == "same" else ""))

    def networks(self, d, q):
        ip = self.f["ip"]
        return (f"{self.head}\n| where {q}\n| eval bucket = date_trunc(1 hour, @timestamp), network = case({ip} like \"*:*\", concat(mv_slice(split({ip}, \":\"), 0), \":\", mv_slice(split({ip}, \":\"), 1)), "
                f"concat(mv_slice(split({ip}, \".\"), 0), \".\", mv_slice(split({ip}, \".\"), 1)))\n"
                f"| stats value = count_distinct(network) by bucket, {self.names(d.group)}\n| where value >= 2")

    def silent(self, d, q):
        return (f"{self.head}\n| where @timestamp > now() - 48 hours\n| stats value = count(*), last = max(@timestamp) by {self.names(d.group)}\n"
                "| where value >= 100 and last < now() - 6 hours")


class SPL:
    """For Splunk. The range is on the time of indexing; counts are by time of the event. A field that an event lacks would drop it
    from `stats ... by`: fillnull keeps it. An event that was sent twice is there twice, so events are counted by their ids."""

    head = "index=feishu sourcetype=feishu:openapi "
    entries = "dc(log.record.uid)"

    def __init__(self):
        self.base = converted(SplunkBackend, p.SPLUNK)
        self.f = p.SPLUNK.fields

    def names(self, fields):
        return " ".join(self.f[x] for x in fields)

    def query(self, d):
        return getattr(self, d.kind)(d, *(self.base[r.name].strip() for r in d.base))

    def start(self, q, fields):
        # Before any condition that follows a pipe: `where NOT x=y` is not true where x is missing.
        search, _, rest = q.partition("|") if q.startswith("|") else q.partition("\n")
        rest = ("\n|" if q.startswith("|") else "\n") + rest if rest else ""
        body = "\n| eval body=_raw" if "body" in q else ""
        return f'{self.head}{search}\n| fillnull value="-" {self.names(fields)}{body}{rest}'

    def single(self, d, q):
        return f"{self.start(q, d.group)}\n| stats {self.entries} AS value BY {self.names(d.group)}"

    @staticmethod
    def spans(d):
        """As in ES|QL: `stats ... by` a field with two values counts an event for each."""
        seconds = int(d.timespan[:-1]) * 3600
        return f"mvappend(floor(_time/{seconds})*{seconds}, floor((_time+{seconds // 2})/{seconds})*{seconds}-{seconds // 2})"

    def _stats(self, d, q, value):
        return f"{self.start(q, d.group)}\n| eval span={self.spans(d)}\n| stats {value} AS value BY span {self.names(d.group)}\n| where value >= {d.at_least}"

    def event_count(self, d, q):
        return self._stats(d, q, self.entries)

    def value_count(self, d, q):
        return self._stats(d, q, f"dc({self.f[d.field]})")

    def temporal(self, d, refused, accepted):
        one = lambda q, name: f'[ search {self.head}{q}\n| eval what="{name}" ]'  # noqa: E731
        return (f'| multisearch\n{one(refused, "refused")}\n{one(accepted, "accepted")}\n| fillnull value="-" {self.names(d.group)}\n| eval span={self.spans(d)}\n'
                f'| stats dc(eval(if(what="refused", \'log.record.uid\', null()))) AS value count(eval(what="accepted")) AS accepted BY span {self.names(d.group)}\n| where value >= {d.at_least} AND accepted > 0')

    def first_seen(self, d, q):
        fields = d.group + d.by
        mark = f'| eval fresh=if(_indextime > relative_time(now(), "-{WINDOW}"), 1, 0)\n'
        if d.known == "any":
            # Conditions after a pipe drop events: what is not it is looked up apart.
            text = (f'| multisearch\n[ search {self.head}feishu.api_key=* | eval it=0 ]\n[ search {self.head}{q}\n| eval it=1 ]\n| fillnull value="-" {self.names(fields)}\n{mark}'
                    f"| stats sum(eval(fresh*it)) AS recent sum(eval((1-fresh)*it)) AS before sum(eval((1-fresh)*(1-it))) AS known BY {self.names(fields)}\n")
            return text + "| where recent > 0 AND before = 0 AND known > 0"
        text = f"{self.start(q, fields)}\n{mark}| stats sum(fresh) AS recent sum(eval(1-fresh)) AS before BY {self.names(fields)}\n"
        if not d.by:
            return text + "| where recent > 0 AND before = 0"
        return (text + f"| stats count(eval(recent > 0 AND before = 0)) AS value sum(before) AS known BY {self.names(d.group)}\n| where value >= {d.at_least}"
                + (" AND known > 0" if d.known == "same" else ""))

    def networks(self, d, q):
        return (f'{self.start(q, d.group)}\n| rex field=client.address "^(?<network>\\d+\\.\\d+|[0-9a-f]+:[0-9a-f]*)"\n| bin _time span=1h\n'
                f"| stats dc(network) AS value BY _time {self.names(d.group)}\n| where value >= 2")

    def silent(self, d, q):
        return f"{self.start(q, d.group)}\n| stats {self.entries} AS value max(_time) AS last BY {self.names(d.group)}\n| where value >= 100 AND last < relative_time(now(), \"-6h\")"


class OpenSearch:
    """Searches with aggregations, as bucket-level monitors of OpenSearch's alerting run them. pySigma's Lucene backend converts the
    conditions; it has no correlations, and no comparison of two fields."""

    def __init__(self):
        self.f = p.OPENSEARCH.fields
        self.base = {}
        for r in event_rules():
            own = r.detection.detections.pop("filter_own", None)
            if own:
                r.detection.condition = [c.replace("not filter_own and ", "") for c in r.detection.condition]
                r.detection.parsed_condition = [type(c)(s, r.detection, c.source) for c, s in zip(r.detection.parsed_condition, r.detection.condition)]
            text = OpensearchLuceneBackend(p.pipeline(p.OPENSEARCH)).convert(SigmaCollection([r]))[0]
            text = re.sub(r"body\.text:(\w+)", lambda m: f'body.text:"{m[1].replace(p.PHRASE, " ")}"', text)
            text = re.sub(r"body\.text:\(([^)]*)\)", lambda m: "body.text:(" + " OR ".join(f'"{w.replace(p.PHRASE, " ")}"' for w in m[1].split(" OR ")) + ")", text)
            self.base[r.name] = {"query_string": {"query": text, "default_operator": "AND", "analyze_wildcard": True}}
            if own:
                script = f"doc['{self.f['app_id']}'].size() == 0 || doc['{self.f['app_id']}'].value != doc['{self.f['tenant']}'].value"
                self.base[r.name] = {"bool": {"filter": [self.base[r.name], {"script": {"script": script}}]}}

    def search(self, query, since, fields, aggs, keep, time="observed_timestamp"):
        sources = [{x: {"terms": {"field": self.f[x], "missing_bucket": True}}} for x in fields]
        paths = {k: k if k != "_count" else "_count" for k in re.findall(r"params\.(\w+)", keep)}
        aggs = aggs | {"keep": {"bucket_selector": {"buckets_path": paths | {k: aggs_path(k, aggs) for k in paths}, "script": keep}}}
        ranged = {"range": {time: {"gte": since, "lte": "now"}}}
        return {"size": 0, "query": {"bool": {"filter": [ranged, query]}}, "aggregations": {"groups": {"composite": {"size": 1000, "sources": sources}, "aggregations": aggs}}}

    def query(self, d):
        return getattr(self, d.kind)(d, *(self.base[r.name] for r in d.base))

    def single(self, d, q):
        return self.search(q, f"now-{d.timespan}", d.group, {}, f"params.count >= {d.at_least}")

    event_count = single

    def value_count(self, d, q):
        return self.search(q, f"now-{d.timespan}", d.group, {"value": {"cardinality": {"field": self.f[d.field]}}}, f"params.value >= {d.at_least}")

    def temporal(self, d, refused, accepted):
        both = {"bool": {"should": [refused, accepted], "minimum_should_match": 1}}
        return self.search(both, f"now-{d.timespan}", d.group, {"refused": {"filter": refused}, "accepted": {"filter": accepted}},
                           f"params.refused >= {d.at_least} && params.accepted > 0")

    def first_seen(self, d, q):
        fresh = {"range": {"observed_timestamp": {"gte": f"now-{WINDOW}"}}}
        it = [q] if d.known == "any" else []
        recent = {"filter": {"bool": {"filter": [fresh, *it]}}}
        before = {"filter": {"bool": {"must_not": [fresh], "filter": it}}}
        known = {"filter": {"bool": {"must_not": [fresh]}}}
        search = {"match_all": {}} if d.known == "any" else q
        since = f"now-{BASELINE}-{WINDOW}"
        if not d.by:
            aggs = {"recent": recent, "before": before, "known": known}
            return self.search(search, since, d.group, aggs, "params.recent > 0 && params.before == 0" + (" && params.known > 0" if d.known == "any" else ""), "@timestamp")
        new = {"terms": {"field": self.f[d.by[0]], "size": 5000}, "aggregations": {
            "recent": recent, "before": before, "keep": {"bucket_selector": {"buckets_path": {"recent": "recent._count", "before": "before._count"}, "script": "params.recent > 0 && params.before == 0"}}}}
        aggs = {"new": new, "value": {"stats_bucket": {"buckets_path": "new>recent._count"}}, "known": known}
        return self.search(search, since, d.group, aggs, f"params.value >= {d.at_least}" + (" && params.known > 0" if d.known == "same" else ""), "@timestamp")

    def networks(self, d, q):
        script = ("def ip = doc['attributes.client.address']; if (ip.size() == 0) { return '' } String a = ip.value; "
                  "int first = a.indexOf(a.indexOf(':') >= 0 ? ':' : '.'); int second = a.indexOf(a.indexOf(':') >= 0 ? ':' : '.', first + 1); return second < 0 ? a : a.substring(0, second)")
        hours = {"date_histogram": {"field": "@timestamp", "fixed_interval": "1h", "min_doc_count": 1}, "aggregations": {"networks": {"cardinality": {"script": {"source": script}}}}}
        return self.search(q, f"now-{d.timespan}", d.group, {"hours": hours, "value": {"max_bucket": {"buckets_path": "hours>networks"}}}, "params.value >= 2")

    def silent(self, d, q):
        return self.search(q, "now-48h", d.group, {"recent": {"filter": {"range": {"@timestamp": {"gte": "now-6h"}}}}}, "params.count >= 100 && params.recent == 0", "@timestamp")


def aggs_path(name, aggs):
    """The path from a bucket to a value: its count, the count of a filter, or a metric."""
    if name == "count":
        return "_count"
    if "filter" in aggs.get(name, {}):
        return f"{name}._count"
    return f"{name}.count" if "stats_bucket" in aggs.get(name, {}) else name


ALL = {"LogsQL": LogsQL, "LogQL": LogQL, "ES|QL": ESQL, "SPL": SPL, "OpenSearch": OpenSearch}