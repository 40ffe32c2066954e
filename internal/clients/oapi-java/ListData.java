// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

import com.lark.oapi.Client;
import com.lark.oapi.core.utils.Jsons;
import com.lark.oapi.service.security_and_compliance.v1.model.ListDataOpenapiLogReq;
import com.lark.oapi.service.security_and_compliance.v1.model.ListDataOpenapiLogResp;
import com.lark.oapi.service.security_and_compliance.v1.model.ListOpenapiLogRequest;
import com.lark.oapi.service.security_and_compliance.v1.model.OpenapiLog;

/**
 * Reads the log of a time with the official Java SDK, as the page of list_data shows it, and prints
 * an entry a line.
 */
public class ListData {
  public static void main(String[] args) throws Exception {
    var env = System.getenv();
    var client = Client.newBuilder(env.get("APP_ID"), env.get("APP_SECRET")).openBaseUrl(env.get("BASE_URL")).build();
    var body = ListOpenapiLogRequest.newBuilder()
        .startTime(Integer.valueOf(env.get("START_TIME")))
        .endTime(Integer.valueOf(env.get("END_TIME")))
        .pageSize(100);
    while (true) {
      ListDataOpenapiLogReq req = ListDataOpenapiLogReq.newBuilder().listOpenapiLogRequest(body.build()).build();
      ListDataOpenapiLogResp resp = client.securityAndCompliance().v1().openapiLog().listData(req);
      if (!resp.success()) {
        throw new IllegalStateException("code " + resp.getCode() + ": " + resp.getMsg());
      }
      if (resp.getData().getItems() != null) {
        for (OpenapiLog item : resp.getData().getItems()) {
          System.out.println(Jsons.DEFAULT.toJson(item));
        }
      }
      if (!resp.getData().getHasMore()) {
        return;
      }
      body.pageToken(resp.getData().getPageToken());
    }
  }
}
