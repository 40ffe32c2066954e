// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// The client for this module's other programs: see internal/openapi.
func init() { openapi.Dial = dial }

// openClient is the receiver's client behind openapi.Client. Calls are made one
// after the other.
type openClient struct {
	client        *client
	close         func()
	token, listed int
	sent          time.Time // the last call of list_data
}

func dial(ctx context.Context, set openapi.Settings) (openapi.Client, error) {
	cfg := createDefaultConfig().(*Config)
	cfg.ClientConfig.Endpoint = set.Endpoint
	cfg.ClientConfig.ProxyURL = set.ProxyURL
	cfg.ClientConfig.TLS.CAFile = set.CAFile
	if set.Timeout != 0 {
		cfg.ClientConfig.Timeout = set.Timeout
	}
	cfg.AppID, cfg.AppSecret = set.AppID, configopaque.String(set.AppSecret)
	cfg.RequestsPerMinute = set.CallsPerMinute
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	r := &auditReceiver{cfg: cfg, transport: set.Transport}
	if err := r.openHTTP(ctx, noHost{}); err != nil {
		return nil, err
	}
	c := &openClient{close: r.closeIdle}
	limit := newPace(cfg.RequestsPerMinute)
	c.client = &client{
		http:        r.http,
		endpoint:    strings.TrimRight(cfg.ClientConfig.Endpoint, "/"),
		appID:       cfg.AppID,
		appSecret:   cfg.AppSecret,
		maxResponse: int64(cfg.MaxResponseSize),
		closeIdle:   r.closeIdle,
		observe: func(operation string, _ time.Duration, _ error) {
			if operation == opToken {
				c.token++
			}
		},
		turn: func(ctx context.Context, urgent bool) (func(), error) {
			if c.listed == set.MaxCalls {
				return nil, openapi.ErrMaxCalls
			}
			answered, err := limit.wait(ctx, urgent)
			if err == nil {
				c.listed++
				c.sent = time.Now()
			}
			return answered, err
		},
	}
	return c, nil
}

// noHost is a host without extensions.
type noHost struct{}

func (noHost) GetExtensions() map[component.ID]component.Component { return nil }

func (c *openClient) Token(ctx context.Context) (life time.Duration, err error) {
	_, err = c.client.tokens.get(ctx, func(ctx context.Context) (string, time.Duration, error) {
		token, left, err := c.client.fetchToken(ctx)
		life = left
		return token, left, err
	})
	return life, openError(err)
}

func (c *openClient) List(ctx context.Context, q openapi.Query) (*openapi.Answer, error) {
	p, res, err := c.client.listData(ctx, listRequest{
		StartTime: q.From, EndTime: q.To, AppID: q.AppID, PageSize: q.PageSize, PageToken: q.PageToken,
	})
	var out *openapi.Answer
	if res != nil {
		out = &openapi.Answer{Status: res.status, Header: res.header, Date: res.date, Sent: c.sent, Received: res.received}
	}
	if err != nil {
		return out, openError(err)
	}
	out.Page = &openapi.Page{HasMore: p.hasMore, PageToken: p.pageToken}
	for i := range p.items {
		it := &p.items[i]
		entry := openapi.Entry{
			ID: it.uid(), IDText: it.fields[fieldID],
			StatusCode: it.fields[fieldStatusCode], Response: it.fields[fieldResponse],
		}
		entry.Second, entry.HasTime = it.eventTime()
		entry.APIKey, _ = parseText(it.fields[fieldAPIKey])
		entry.AppID, _ = parseText(it.fields[fieldAppID])
		out.Page.Entries = append(out.Page.Entries, entry)
	}
	return out, nil
}

func (c *openClient) Calls() (token, list int) { return c.token, c.listed }

func (c *openClient) Close() { c.close() }

var openClasses = map[errorClass]openapi.Class{
	classRetry: openapi.Passing, classRateLimited: openapi.RateLimited, classToken: openapi.Passing,
	classParameter: openapi.Parameter, classConfig: openapi.Config, classQuota: openapi.Quota,
}

func openError(err error) error {
	var e *apiError
	if !errors.As(err, &e) {
		return err
	}
	return &openapi.Error{
		Class: openClasses[e.class], Operation: e.operation, HTTPStatus: e.httpStatus, Code: e.code,
		Reason: e.reason, Advice: e.advice, LogID: e.logID, Wait: e.wait, Text: e.Error(),
	}
}
