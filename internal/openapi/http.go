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

// NewHTTP makes the HTTP client for a client of the Open API from the collector's own
// configuration, and returns what closes its idle connections. Its spans go to the tracer
// of the settings, and its metrics carry the attributes. A middleware of the configuration
// is looked for among the host's extensions.
func NewHTTP(ctx context.Context, cfg confighttp.ClientConfig, host component.Host, set component.TelemetrySettings, attributes ...attribute.KeyValue) (_ *http.Client, closeIdle func(), err error) {
	// The round trippers for tracing and headers hide CloseIdleConnections of the one
	// below, so the one is put on here, and the client sends the others.
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

// toClient bridges the two signatures that ClientConfig.ToClient has had in the
// collector releases that we work with.
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
