# Copyright The feishuauditreceiver Authors
# SPDX-License-Identifier: Apache-2.0
"""Reads the log of a time with the official Python SDK, as the page of list_data shows it, and
prints an entry a line."""

import json
import os
import sys

import lark_oapi as lark
from lark_oapi.api.security_and_compliance.v1 import ListDataOpenapiLogRequest, ListOpenapiLogRequest


def main():
    env = os.environ
    client = (
        lark.Client.builder()
        .app_id(env["APP_ID"])
        .app_secret(env["APP_SECRET"])
        .domain(env["BASE_URL"])
        .log_level(lark.LogLevel.ERROR)
        .build()
    )
    body = (
        ListOpenapiLogRequest.builder()
        .start_time(int(env["START_TIME"]))
        .end_time(int(env["END_TIME"]))
        .page_size(100)
    )
    while True:
        request = ListDataOpenapiLogRequest.builder().request_body(body.build()).build()
        response = client.security_and_compliance.v1.openapi_log.list_data(request)
        if not response.success():
            sys.exit(f"code {response.code}: {response.msg}")
        for item in response.data.items or []:
            print(json.dumps(json.loads(lark.JSON.marshal(item))))
        if not response.data.has_more:
            return
        body.page_token(response.data.page_token)


if __name__ == "__main__":
    main()
