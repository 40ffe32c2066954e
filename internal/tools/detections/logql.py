# Copyright The feishuauditreceiver Authors
# SPDX-License-Identifier: Apache-2.0
"""The conditions of event rules in LogQL, as filters on labels after the stream selector.

It converts what detections/*.yml use, and refuses the rest: regular expressions with flags, values without a field, networks, dates.
What LogQL means is from Grafana's documentation, "Log queries" (https://grafana.com/docs/loki/latest/query/log_queries/):

- A filter on a label matches as a stream selector does: =~ and !~ are anchored at both ends. `.` does not match a line break
  without (?s). Filters on the line, |~ and !~, are not anchored; nothing here uses them.
- A label that an entry lacks compares as the empty string, as in Prometheus.
- Where a value cannot be read as a number, a comparison with a number keeps the entry and marks it with an error, which fails a
  metric query. So codes are compared as strings.
- `and` and `or` have one precedence, from left to right: `a or b and c` is `(a or b) and c`. So a mix of them has parentheses.
- A filter after another pipe is an `and`. Stages run from left to right, and an entry that one drops does not reach the next.
- There is no `not`: it goes into the operators.

Strings are compared with their case, unlike Sigma's: API keys, ids and codes have one spelling. Each other language does the same.
"""
import re
from dataclasses import dataclass, replace

from sigma.conversion.base import TextQueryBackend
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError
from sigma.types import SigmaCompareExpression, SigmaNumber

BODY = "body"
OPPOSITE = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~", "and": "or", "or": "and"}


def refuse(what):
    raise SigmaFeatureNotSupportedByBackendError(f"logql.py does not convert {what}")


def quoted(text):
    """A raw string: the backslashes of a regular expression stay as they are."""
    if "`" in text or "\r" in text:
        refuse(f"a backtick or a carriage return: {text!r}")
    return f"`{text}`"


def opposite(op):
    return OPPOSITE.get(op) or refuse(f"the negation of {op}")


@dataclass(frozen=True)
class Filter:
    """A filter on one label. `made` is the stage that makes the label, where an entry does not have it."""

    label: str
    op: str
    value: str
    made: str = ""

    def negated(self):
        return replace(self, op=opposite(self.op))

    def stages(self):
        return {self.made: None} if self.made else {}

    def __str__(self):
        return f"{self.label}{self.op}{self.value}"


@dataclass(frozen=True)
class Filters:
    """Filters that are joined by `and` or by `or`."""

    op: str
    parts: tuple

    def negated(self):
        return Filters(opposite(self.op), tuple(p.negated() for p in self.parts))

    def stages(self):
        """The stages that make the labels of all parts, in order and without repetition."""
        return {stage: None for p in self.parts for stage in p.stages()}

    def __str__(self):
        return "(" + f" {self.op} ".join(map(str, self.parts)) + ")"


def joined(op, parts):
    flat = [p for part in parts for p in (part.parts if isinstance(part, Filters) and part.op == op else (part,))]
    return flat[0] if len(flat) == 1 else Filters(op, tuple(flat))


class LogQLBackend(TextQueryBackend):
    name = "LogQL"
    formats = {"default": "log queries"}
    convert_or_as_in = True  # of plain strings and numbers
    # The resource attributes that Loki makes an index label of.
    selector = '{service_name=~"feishu|lark"}'

    def convert_condition_and(self, cond, state):
        return joined("and", [self.convert_condition(arg, state) for arg in cond.args])

    def convert_condition_or(self, cond, state):
        return joined("or", [self.convert_condition(arg, state) for arg in cond.args])

    def convert_condition_not(self, cond, state):
        return self.convert_condition(cond.args[0], state).negated()

    def convert_condition_as_in_expression(self, cond, state):
        values = [str(a.value) if isinstance(a.value, SigmaNumber) else self.pattern(a.value) for a in cond.args]
        return self.matches(cond.args[0].field, "|".join(values))

    def convert_condition_field_eq_val_str(self, cond, state):
        pattern = self.pattern(cond.value)
        if cond.value.contains_special():
            return self.matches(cond.field, pattern)
        return Filter(self.label(cond.field), "=", quoted(cond.value.to_plain()))

    convert_condition_field_eq_val_str_case_sensitive = convert_condition_field_eq_val_str

    def convert_condition_field_eq_val_num(self, cond, state):
        return Filter(self.label(cond.field), "=", quoted(str(cond.value)))

    def convert_condition_field_eq_val_re(self, cond, state):
        if cond.value.flags:
            refuse("the flags of a regular expression")
        return self.matches(cond.field, str(cond.value.regexp))

    def convert_condition_field_compare_op_val(self, cond, state):
        if cond.value.op != SigmaCompareExpression.CompareOperators.GTE:
            refuse(f"the comparison {cond.value.op.name}")
        # What is documented of a number is about values that are there.
        label = self.label(cond.field)
        return Filters("and", (Filter(label, "!=", "``"), Filter(label, ">=", str(cond.value.number))))

    def convert_condition_field_exists(self, cond, state):
        return Filter(self.label(cond.field), "!=", "``")

    def convert_condition_field_eq_field(self, cond, state):
        if cond.value.starts_with or cond.value.ends_with:
            refuse("a part of another field")
        a, b = self.label(cond.field), self.label(cond.value.field)
        same = f"{a}_is_{b}"
        return Filter(same, "=", quoted("true"), f"label_format {same}={quoted(f'{{{{ eq .{a} .{b} }}}}')}")

    def convert_condition_field_eq_val_cidr(self, cond, state):
        refuse("a network")

    def convert_condition_field_eq_query_expr(self, cond, state):
        refuse("a query expression")

    convert_condition_query_expr = convert_condition_field_eq_query_expr

    @staticmethod
    def label(field):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", field):
            refuse(f"the field {field}, which is no label")
        return field

    @staticmethod
    def pattern(value):
        """The regular expression of a string with wildcards."""
        if value.contains_placeholder():
            refuse("a placeholder")
        return str(value.to_regex().regexp)

    def matches(self, field, pattern):
        if re.fullmatch(pattern, ""):
            refuse(f"{pattern}: it matches what is missing")
        if field != BODY:
            return Filter(self.label(field), "=~", quoted(pattern))
        # The body is the line, and no label. A filter on the line cannot stand within an `or`.
        return Filter(BODY, "=~", quoted(pattern), "label_format body=`{{ __line__ }}`")

    def finish_query(self, rule, query, state):
        """Writes the stages. Filters on labels that have to be made come last, as a template costs more than a comparison."""
        parts = query.parts if isinstance(query, Filters) and query.op == "and" else (query,)
        made = {stage: None for p in parts for stage in p.stages()}
        stages = [p for p in parts if not p.stages()] + [*made] + [p for p in parts if p.stages()]
        return " | ".join(map(str, [self.selector, *stages]))
