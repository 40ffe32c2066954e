// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package openapi lets other programs of this module call the Open API with the
// receiver's own client, so that there is one way to do it: the same token
// handling, pace, parsing and sorting of errors. The receiver's package sets Dial
// when it is imported.
package openapi

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Dial makes a client. It fails if the receiver would not start with the same
// settings, with the receiver's own words. Set by the receiver's package.
var Dial func(context.Context, Settings) (Client, error)

// Settings are what a client needs. What is left out has the receiver's default.
type Settings struct {
	Endpoint  string
	AppID     string
	AppSecret string
	ProxyURL  string
	CAFile    string
	// Timeout bounds one call. Zero: the receiver's default.
	Timeout time.Duration
	// CallsPerMinute and MaxCalls bound the calls of list_data. Beyond MaxCalls
	// the error is ErrMaxCalls.
	CallsPerMinute, MaxCalls int
	// Transport replaces the network in tests.
	Transport http.RoundTripper
}

// ErrMaxCalls says that Settings.MaxCalls have been made.
var ErrMaxCalls = errors.New("all the calls that are allowed have been made")

// Client makes the two calls. Errors are an *Error, ErrMaxCalls, or the context's.
type Client interface {
	// Token asks for an access token and returns how long it has to live. List
	// uses it, and asks for another where it has to.
	Token(ctx context.Context) (life time.Duration, err error)
	// List asks for a page. The answer is there with an error, too, if one came.
	List(ctx context.Context, q Query) (*Answer, error)
	// Calls counts what has been sent so far.
	Calls() (token, list int)
	// Close ends idle connections.
	Close()
}

// Query is what list_data is asked for. Bounds are Unix seconds.
type Query struct {
	From, To  int64
	AppID     string // empty: of all apps
	PageSize  int
	PageToken string
}

// Answer is an answer of list_data.
type Answer struct {
	Status         int
	Header         http.Header
	Date           time.Time // the server's clock in whole seconds; zero where it did not say
	Sent, Received time.Time // our clock
	Page           *Page     // nil with an error
}

// Page is a page of entries.
type Page struct {
	Entries   []Entry
	HasMore   bool
	PageToken string
}

// Entry is what a program may know of an entry: nothing of what the call carried.
type Entry struct {
	ID      string // never empty, see the record's log.record.uid
	Second  int64  // event_time
	HasTime bool   // event_time could be read
	APIKey  string
	AppID   string
	// IDText, StatusCode and Response are JSON texts, empty where absent. They
	// must not be shown.
	IDText, StatusCode, Response string
}

// Class says what an error means for whoever called.
type Class int

// Classes of errors.
const (
	Passing     Class = iota // may work if repeated
	RateLimited              // will work after Error.Wait
	Parameter                // a parameter is refused: the page token, else the time range
	Config                   // somebody has to change something
	Quota                    // the calls of the month are used up
)

// Error is a failed call. Its texts are safe to show.
type Error struct {
	Class      Class
	Operation  string        // tenant_access_token or list_data
	HTTPStatus int           // 0: no answer came
	Code       int64         // the Open API's own code; 0: none came
	Reason     string        // what happened
	Advice     string        // what to do, may be empty
	LogID      string        // for Feishu's support, may be empty
	Wait       time.Duration // how long the server asks to wait; 0: it does not say
	Text       string        // all of it in one line
}

func (e *Error) Error() string { return e.Text }
