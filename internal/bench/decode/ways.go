// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"encoding/json"
	"errors"
	"time"

	larksecurity "github.com/larksuite/oapi-sdk-go/v3/service/security_and_compliance/v1"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// SDK reads a page into the official SDK's types, like the SDK, and copies them. The types do not keep the
// entry's text, so its body is rewritten.
func SDK(body []byte, observed time.Time) (plog.Logs, error) {
	var resp larksecurity.ListDataOpenapiLogResp
	if err := json.Unmarshal(body, &resp); err != nil {
		return plog.Logs{}, err
	}
	return FromSDK(resp.Data.Items, observed)
}

// FromSDK makes records of entries that the SDK has read.
func FromSDK(items []*larksecurity.OpenapiLog, observed time.Time) (plog.Logs, error) {
	entries := make([]fields, len(items))
	for i, item := range items {
		text, err := json.Marshal(item)
		if err != nil {
			return plog.Logs{}, err
		}
		entries[i] = fields{
			id: *item.Id, apiKey: *item.ApiKey, appID: *item.AppId, ip: *item.Ip,
			path: *item.LogDetail.Path, method: *item.LogDetail.Method,
			eventTime: int64(*item.EventTime), statusCode: int64(*item.LogDetail.StatusCode),
			response: parseResponse(*item.LogDetail.Response),
			resource: resourceOf(*item.ApiKey, *item.LogDetail.Path, *item.LogDetail.Payload),
		}
		entries[i].mask(text)
	}
	return newLogs(entries, observed), nil
}

var redactor = redact.New(nil)

// mask makes the body of a record: it masks what the receiver masks.
func (f *fields) mask(text []byte) {
	f.body, f.masked = redactor.Redact(string(text))
}

// entry is the least that encoding/json has to read of an entry.
type entry struct {
	ID        string `json:"id"`
	APIKey    string `json:"api_key"`
	EventTime int64  `json:"event_time"`
	AppID     string `json:"app_id"`
	IP        string `json:"ip"`
	LogDetail struct {
		Path       string `json:"path"`
		Method     string `json:"method"`
		StatusCode int64  `json:"status_code"`
		Payload    string `json:"payload"`
		Response   string `json:"response"`
	} `json:"log_detail"`
}

// Structs reads a page with encoding/json into structs with only the necessary fields, and copies them. The
// entry's text becomes the body.
func Structs(body []byte, observed time.Time) (plog.Logs, error) {
	entries, err := split(body)
	if err != nil {
		return plog.Logs{}, err
	}
	return newLogs(entries, observed), nil
}

func split(body []byte) ([]fields, error) {
	var page struct {
		Data struct {
			Items []json.RawMessage `json:"items"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, err
	}
	entries := make([]fields, len(page.Data.Items))
	for i, text := range page.Data.Items {
		var e entry
		if err := json.Unmarshal(text, &e); err != nil {
			return nil, err
		}
		entries[i] = fields{
			id: e.ID, apiKey: e.APIKey, appID: e.AppID, ip: e.IP, path: e.LogDetail.Path, method: e.LogDetail.Method,
			eventTime: e.EventTime, statusCode: e.LogDetail.StatusCode, response: parseResponse(e.LogDetail.Response),
			resource: resourceOf(e.APIKey, e.LogDetail.Path, e.LogDetail.Payload),
		}
		entries[i].mask(text)
	}
	return entries, nil
}

// Floor is the minimum that every way needs: from entries that are already split it makes the records, copies
// the page once, and checks once that it is JSON.
type Floor struct {
	entries []fields
	valid   func([]byte) bool
}

// NewFloor splits the page.
func NewFloor(body []byte, valid func([]byte) bool) (*Floor, error) {
	entries, err := split(body)
	return &Floor{entries, valid}, err
}

var errInvalid = errors.New("not JSON")

// kept prevents the copy from being optimised away.
var kept string //nolint:unused // it is written

// Decode makes the records of the page that NewFloor has split.
func (f *Floor) Decode(body []byte, observed time.Time) (plog.Logs, error) {
	kept = string(body)
	if !f.valid(body) {
		return plog.Logs{}, errInvalid
	}
	return newLogs(f.entries, observed), nil
}
