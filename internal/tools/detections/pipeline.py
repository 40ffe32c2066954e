# Copyright The feishuauditreceiver Authors
# SPDX-License-Identifier: Apache-2.0
"""The processing pipeline: what the rules' fields are called in each backend.

The rules use the names of the vendor's log entry. `api_key` is compared with the keys as the vendor writes them; an entry
may have an id where the vendor writes :user_id, so that each list of keys becomes one regular expression.
"""
import re
from dataclasses import dataclass

from sigma.exceptions import SigmaFeatureNotSupportedByBackendError
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import FieldMappingTransformation
from sigma.processing.transformations.base import DetectionItemTransformation
from sigma.types import SigmaRegularExpression, SigmaString

# Meaning of each field, and its name in a record (docs/record-model.md).
FIELDS = {
    "api_key": ("feishu.api_key", "the called API: method and path template"),
    "app_id": ("feishu.app.id", "the app that made the call"),
    "ip": ("client.address", "where the call came from"),
    "code": ("feishu.response.code", "the response code, 0 on success"),
    "error_type": ("error.type", "the response code or HTTP status of a failed call; absent on success"),
    "resource_id": ("feishu.resource.id", "what the call touched: the id of a document, chat or user"),
    "redacted": ("feishu.redacted", "how many secrets the receiver masked in the entry; absent when none"),
    "service": ("service.name", "feishu or lark"),
    "tenant": ("feishu.credential.app_id", "the app that the log is read with: one for each tenant"),
    "payload": ("log_detail.payload in the body", "the request's body"),
}


@dataclass(frozen=True)
class Dialect:
    """How a backend names fields and reads regular expressions."""

    name: str
    fields: dict
    anchored: bool  # a regular expression matches the whole value
    lucene: bool = False  # " has a meaning in regular expressions, and there is no (?:


def _names(attribute, resource, body):
    names = {k: (resource if k in ("service", "tenant") else attribute)(v[0]) for k, v in FIELDS.items()}
    return names | {"payload": body}


def _plain(name):
    return name


VICTORIALOGS = Dialect("victorialogs", _names(_plain, _plain, "_msg"), anchored=False)
LOKI = Dialect("loki", _names(lambda n: n.replace(".", "_"), lambda n: n.replace(".", "_"), "body"), anchored=True)
SPLUNK = Dialect("splunk", _names(_plain, _plain, "body"), anchored=False)
ELASTIC = Dialect("elastic", _names("attributes.{}".format, "resource.attributes.{}".format, "body.text"), anchored=True, lucene=True)
OPENSEARCH = Dialect("opensearch", ELASTIC.fields, anchored=True, lucene=True)


def key_pattern(key):
    """The regular expression for a key of the vendor's: a variable of the path is a segment."""
    return re.sub(r":\w+", "[^/]+", key.replace(".", r"\."))


def keys_pattern(keys):
    """One regular expression for a list of keys, grouped by method."""
    methods = {}
    for key in keys:
        method, path = key.split("/open-apis/", 1)
        methods.setdefault(method, []).append(key_pattern(path))
    parts = [f"{m}/open-apis/" + (p[0] if len(p) == 1 else "(" + "|".join(p) + ")") for m, p in methods.items()]
    return parts[0] if len(parts) == 1 else "(" + "|".join(parts) + ")"


def payload_pattern(texts):
    """The regular expression for pieces of the payload, which is JSON text in a string of the entry's JSON text."""
    inside = [re.escape(t).replace('"', r'\\"').replace(":", " *: *") for t in texts]
    return r'"payload": ?"([^"\\]|\\.)*' + (inside[0] if len(inside) == 1 else "(" + "|".join(inside) + ")")


# The keys that a regular expression was made of.
PATTERNS = {}
# Stands for a space between two words of a phrase in what the Lucene backend is given.
PHRASE = "_SPACE_"


@dataclass
class Patterns(DetectionItemTransformation):
    """Makes regular expressions of API keys and of pieces of the payload, in the dialect's form."""

    dialect: Dialect

    def _form(self, pattern, whole):
        pattern = pattern.removeprefix("^").removesuffix("$")
        if self.dialect.lucene:
            pattern = pattern.replace('"', r'\"')
        if whole and not self.dialect.anchored:
            return f"^{pattern}$"
        if not whole and self.dialect.anchored:
            return f".*{pattern}.*" if self.dialect.lucene else f"(?s).*{pattern}.*"
        return pattern

    def _parts(self, keys):
        """The keys in parts: an index refuses a regular expression of more than 1,000 characters (index.max_regex_length)."""
        parts = [[]]
        for key in keys:
            if self.dialect.lucene and parts[-1] and len(keys_pattern([*parts[-1], key])) > 800:
                parts.append([])
            parts[-1].append(key)
        return parts

    def apply_detection_item(self, detection_item):
        values = detection_item.value
        if detection_item.field == "payload":
            if self.dialect.name == "opensearch":  # the body is analysed text: a regular expression would see one word of it
                words = [PHRASE.join(re.findall(r"\w+", v.to_plain())) for v in values]
                detection_item.value = [SigmaString(w) for w in words]
                return
            found = payload_pattern([v.to_plain().removeprefix("*").removesuffix("*") for v in values])
            detection_item.value = [SigmaRegularExpression(self._form(found, whole=False))]
        elif any(isinstance(v, SigmaRegularExpression) for v in values):
            if not all(not v.flags and re.fullmatch(r"\^.*\$", str(v.regexp)) for v in values):
                raise SigmaFeatureNotSupportedByBackendError("a regular expression has flags, or is not anchored by ^ and $")
            detection_item.value = [SigmaRegularExpression(self._form(str(v.regexp), whole=True)) for v in values]
        elif detection_item.field == "api_key" and all(isinstance(v, SigmaString) for v in values):
            plain = [v.to_plain() for v in values]
            if any(p.endswith("*") for p in plain):
                return
            if len(plain) > 1 or ":" in plain[0]:
                patterns = [self._form(keys_pattern(part), whole=True) for part in self._parts(plain)]
                PATTERNS[patterns[0]] = plain
                detection_item.value = [SigmaRegularExpression(pattern) for pattern in patterns]


def pipeline(dialect):
    items = [
        ProcessingItem(identifier="patterns", transformation=Patterns(dialect)),
        ProcessingItem(identifier="names", transformation=FieldMappingTransformation(dialect.fields)),
    ]
    return ProcessingPipeline(name=f"feishu openapi_audit for {dialect.name}", priority=10, items=items)
