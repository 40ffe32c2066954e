# Copyright The feishuauditreceiver Authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of logql.py: `make detections-check`."""
import unittest

import pipeline as p
from logql import LogQLBackend
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError

HEAD = 'title: t\nlogsource: {product: feishu, service: openapi_audit}\ndetection:\n'
SELECTOR = '{service_name=~"feishu|lark"}'


def converted(condition, **detections):
    """The stages that a condition becomes, without the stream selector."""
    text = HEAD + "".join(f"  {k}: {v}\n" for k, v in detections.items()) + f"  condition: {condition}\n"
    query = LogQLBackend(p.pipeline(p.LOKI)).convert(SigmaCollection.from_yaml(text))[0]
    assert query.startswith(SELECTOR + " | "), query
    return query.removeprefix(SELECTOR + " | ")


class Conversion(unittest.TestCase):
    def test_values(self):
        for value, want in {
            "{app_id: cli_a}": "feishu_app_id=`cli_a`",
            "{app_id: 'cli.a*'}": r"feishu_app_id=~`cli\.a.*`",
            "{app_id: [cli_a, cli.b]}": r"feishu_app_id=~`cli_a|cli\.b`",
            "{app_id: [cli_a, 'cli_b*']}": "(feishu_app_id=`cli_a` or feishu_app_id=~`cli_b.*`)",
            "{code: 99991672}": "feishu_response_code=`99991672`",
            "{code: [0, 99991672]}": "feishu_response_code=~`0|99991672`",
            "{redacted|gte: 1}": "feishu_redacted!=`` | feishu_redacted>=1",
            "{error_type|exists: true}": "error_type!=``",
            "{error_type|exists: false}": "error_type=``",
            "{api_key|re: '^GET/.*$'}": "feishu_api_key=~`GET/.*`",
            "{api_key: 'GET/open-apis/a/:b'}": "feishu_api_key=~`GET/open-apis/a/[^/]+`",
            "{api_key: [GET/open-apis/a, GET/open-apis/b]}": "feishu_api_key=~`GET/open-apis/(a|b)`",
            "{app_id|fieldref: tenant}": "label_format feishu_app_id_is_feishu_credential_app_id=`{{ eq .feishu_app_id .feishu_credential_app_id }}`"
                                         " | feishu_app_id_is_feishu_credential_app_id=`true`",
        }.items():
            self.assertEqual(converted("a", a=value), want, value)

    def test_and_with_or_has_parentheses(self):
        three = {"a": "{code: 1}", "b": "{ip: x}", "c": "{app_id: y}"}
        for condition, want in {
            "a and b and c": "feishu_response_code=`1` | client_address=`x` | feishu_app_id=`y`",
            "a or b or c": "(feishu_response_code=`1` or client_address=`x` or feishu_app_id=`y`)",
            "a or b and c": "(feishu_response_code=`1` or (client_address=`x` and feishu_app_id=`y`))",
            "(a or b) and c": "(feishu_response_code=`1` or client_address=`x`) | feishu_app_id=`y`",
            "c and (a or b)": "feishu_app_id=`y` | (feishu_response_code=`1` or client_address=`x`)",
        }.items():
            self.assertEqual(converted(condition, **three), want, condition)

    def test_not_goes_into_the_operators(self):
        three = {"a": "{code: 1}", "b": "{api_key|re: ^x.*$}", "c": "{app_id|exists: true}"}
        for condition, want in {
            "not a": "feishu_response_code!=`1`",
            "not (a and b)": "(feishu_response_code!=`1` or feishu_api_key!~`x.*`)",
            "not (a or b)": "feishu_response_code!=`1` | feishu_api_key!~`x.*`",
            "a and not (b or c)": "feishu_response_code=`1` | feishu_api_key!~`x.*` | feishu_app_id=``",
            "not (a and not b)": "(feishu_response_code!=`1` or feishu_api_key=~`x.*`)",
        }.items():
            self.assertEqual(converted(condition, **three), want, condition)

    def test_the_line_is_made_a_label_once_after_cheaper_filters(self):
        payload = """{payload|contains: '"a":1'}"""
        pattern = r'`(?s).*"payload": ?"([^"\\]|\\.)*\\"a\\" *: *1.*`'
        self.assertEqual(
            converted("(a or b and a) and c", a=payload, b="{code: 1}", c="{ip: x}"),
            f"client_address=`x` | label_format body=`{{{{ __line__ }}}}` | (body=~{pattern} or (feishu_response_code=`1` and body=~{pattern}))")

    def test_the_rest_is_refused(self):
        for value in ("{api_key|re|i: '^x$'}", "{api_key|re: x}", "{app_id|re: '^.*$'}", "{app_id: '*'}", "{app_id: 'a`b'}", "{ip|cidr: 10.0.0.0/8}", "{redacted|lt: 1}",
                      "{app_id|fieldref|startswith: tenant}", "{app_id: null}", "{app_id: true}", "{other.name: x}", "[word]", "['a*']", "[5]", "{app_id|expand: '%x%'}"):
            with self.subTest(value), self.assertRaises((SigmaFeatureNotSupportedByBackendError, NotImplementedError)):
                self.fail(converted("a", a=value))
        with self.assertRaises(SigmaFeatureNotSupportedByBackendError):
            converted("not a", a="{redacted|gte: 1}")


if __name__ == "__main__":
    unittest.main()
