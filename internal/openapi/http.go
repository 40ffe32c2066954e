// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
)

// NewHTTP makes the HTTP client for a client of the Open API from the collector's own configuration, and returns
// a function that closes its idle connections. Its spans go to the tracer of the settings, and its metrics have
// the attributes. A middleware of the configuration is looked up among the host's extensions.
func NewHTTP(ctx context.Context, cfg confighttp.ClientConfig, host component.Host, set component.TelemetrySettings, attributes ...attribute.KeyValue) (_ *http.Client, closeIdle func(), err error) {
	// The round trippers for tracing and headers would hide CloseIdleConnections of the transport below them. So
	// tracing is added here, and the client of this package sends the headers.
	below := set
	below.TracerProvider = nil
	cfg.Headers = nil
	client, err := toClient(ctx, &cfg, host, below)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make the HTTP client: %w", err)
	}
	traced := *client
	traced.Transport = otelhttp.NewTransport(hush{client.Transport},
		otelhttp.WithTracerProvider(set.TracerProvider), otelhttp.WithMeterProvider(set.MeterProvider),
		otelhttp.WithMetricAttributesFn(func(*http.Request) []attribute.KeyValue { return attributes }))
	// The access token must not follow a redirect to another host, and no
	// documented answer is a redirect.
	traced.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &traced, client.CloseIdleConnections, nil
}

// toClient covers the two signatures of ClientConfig.ToClient in the collector releases that we support.
func toClient(ctx context.Context, cfg *confighttp.ClientConfig, host component.Host, set component.TelemetrySettings) (*http.Client, error) {
	type ofHost interface {
		ToClient(context.Context, component.Host, component.TelemetrySettings, ...confighttp.ToClientOption) (*http.Client, error)
	}
	type ofExtensions interface {
		ToClient(context.Context, map[component.ID]component.Component, component.TelemetrySettings, ...confighttp.ToClientOption) (*http.Client, error)
	}
	switch c := any(cfg).(type) {
	case ofHost: // up to v0.146 or earlier
		return c.ToClient(ctx, host, set)
	case ofExtensions:
		return c.ToClient(ctx, host.GetExtensions(), set)
	}
	return nil, errors.New("this collector release has another confighttp than the feishu_audit receiver knows")
}
