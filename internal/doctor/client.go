// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"

	receiver "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
)

// errMaxCalls means that the doctor has used up the calls that it allows itself.
var errMaxCalls = errors.New("all the calls that are allowed have been made")

// client makes calls with the receiver's own client, within the doctor's limit, one after the other.
type client struct {
	*openapi.Client
	closeIdle func()

	pace          *pace.Pace
	most          int
	token, listed int
}

// listing is an answer of list_data.
type listing struct {
	*openapi.Answer
	Page *entry.Page // nil with an error
}

// dial makes the client for an endpoint. It fails, with the receiver's own messages, if the receiver would not
// start with the same settings.
func (o *Options) dial(ctx context.Context, endpoint, secret string) (*client, error) {
	cfg := receiver.NewFactory().CreateDefaultConfig().(*receiver.Config)
	cfg.ClientConfig.Endpoint = endpoint
	cfg.ClientConfig.ProxyURL = o.ProxyURL
	cfg.ClientConfig.TLS.CAFile = o.CAFile
	cfg.ClientConfig.Timeout = 15 * time.Second
	cfg.AppID, cfg.AppSecret = o.AppID, configopaque.String(secret)
	cfg.RequestsPerMinute = CallsPerMinute
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	httpClient, closeIdle, err := openapi.NewHTTP(ctx, cfg.ClientConfig, noHost{}, component.TelemetrySettings{})
	if err != nil {
		return nil, err
	}
	if o.Transport != nil {
		httpClient.Transport = o.Transport
	}
	c := &client{closeIdle: closeIdle, pace: pace.New(CallsPerMinute), most: o.maxCalls()}
	c.Client = openapi.New(openapi.Settings{
		HTTP:        httpClient,
		CloseIdle:   closeIdle,
		Endpoint:    endpoint,
		AppID:       o.AppID,
		AppSecret:   cfg.AppSecret,
		MaxResponse: int64(cfg.MaxResponseSize),
		Gate:        c,
	})
	return c, nil
}

// Validate reports what is wrong with the options, with the messages of the receiver's configuration. It makes
// no call.
func (o Options) Validate(ctx context.Context) error {
	c, err := o.dial(ctx, o.Endpoint, o.AppSecret)
	if err == nil {
		c.closeIdle()
	}
	return err
}

// noHost is a host without extensions.
type noHost struct{}

func (noHost) GetExtensions() map[component.ID]component.Component { return nil }

// list requests a page. With an error it still returns the answer, if there was one.
func (c *client) list(ctx context.Context, q openapi.ListRequest) (*listing, error) {
	page, answer, err := c.ListData(ctx, q)
	if answer == nil {
		return nil, err
	}
	return &listing{answer, page}, err
}

// calls counts what has been sent so far.
func (c *client) calls() (token, list int) { return c.token, c.listed }

// Admit implements openapi.Gate.
func (c *client) Admit(ctx context.Context, inARow int) (answered func(), err error) {
	if c.listed == c.most {
		return nil, errMaxCalls
	}
	answered, err = c.pace.Wait(ctx, inARow)
	if err == nil {
		c.listed++
	}
	return answered, err
}

// Answered implements openapi.Gate.
func (*client) Answered(time.Time, time.Time, time.Time) {}

// Ended implements openapi.Gate.
func (c *client) Ended(operation string, _ time.Duration, _ int, _ error) {
	if operation == openapi.OpToken {
		c.token++
	}
}
