// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"time"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
	larksecurity "github.com/larksuite/oapi-sdk-go/v3/service/security_and_compliance/v1"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/feishuaudit/feishuauditreceiver/internal/bench/decode"
)

// sdkLoop is a plain program with the official SDK: it reads the pages of a time range, makes the same records,
// and posts them as OTLP. It keeps no position and reads everything once.
func sdkLoop(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("sdk-loop", flag.ContinueOnError)
	endpoint := flags.String("endpoint", "", "base `URL` of the API")
	appID := flags.String("app-id", "", "")
	secret := flags.String("app-secret", "", "")
	from := flags.Int("from", 0, "first `second`")
	to := flags.Int("to", 0, "last `second`")
	backend := flags.String("otlp", "", "base `URL` of the backend; none: records are dropped")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config := &larkcore.Config{
		BaseUrl: *endpoint, AppId: *appID, AppSecret: *secret, AppType: larkcore.AppTypeSelfBuilt,
		EnableTokenCache: true, HttpClient: http.DefaultClient, LogLevel: larkcore.LogLevelError,
	}
	larkcore.NewLogger(config)
	larkcore.NewCache(config)
	larkcore.NewSerialization(config)
	sdk := larksecurity.New(config)

	records := 0
	for token := ""; ; {
		body := larksecurity.NewListOpenapiLogRequestBuilder().StartTime(*from).EndTime(*to).PageSize(100)
		if token != "" {
			body.PageToken(token)
		}
		resp, err := sdk.OpenapiLog.ListData(ctx, larksecurity.NewListDataOpenapiLogReqBuilder().ListOpenapiLogRequest(body.Build()).Build())
		if err != nil {
			return err
		}
		if !resp.Success() {
			return fmt.Errorf("code %d: %s", resp.Code, resp.Msg)
		}
		logs, err := decode.FromSDK(resp.Data.Items, time.Now())
		if err != nil {
			return err
		}
		records += logs.LogRecordCount()
		if *backend != "" {
			if err := post(ctx, *backend+"/v1/logs", plogotlp.NewExportRequestFromLogs(logs)); err != nil {
				return err
			}
		}
		if !*resp.Data.HasMore {
			fmt.Println("records:", records)
			return nil
		}
		token = *resp.Data.PageToken
	}
}

func post(ctx context.Context, url string, request plogotlp.ExportRequest) error {
	text, err := request.MarshalProto()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the backend answers %s", res.Status)
	}
	return nil
}
