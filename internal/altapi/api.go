// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package altapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tokenPath = "/open-apis/auth/v3/tenant_access_token/internal"
	listPath  = "/open-apis/security_and_compliance/v1/openapi_logs/list_data"

	// AppID and AppSecret are the accepted credentials.
	AppID, AppSecret = "cli_alt", "alt-secret-7c1d"
)

// API is the model. It is an [http.RoundTripper], and reads the time from package time: in a bubble of
// testing/synctest, all of it is virtual.
type API struct {
	seed   uint64
	traits Traits

	mu      sync.Mutex
	log     []*Entry // by time
	weather []Episode
	limiter limiter
	cursors map[string]*cursor
	tokens  int
	counts  map[string]int
	auth    authority
	calls   []*Call
}

// Call is a call of list_data, with times of the caller's clock. Answered is zero if there is no response yet,
// or none at all; then Code is -1, and also if the response has none.
type Call struct {
	At, Answered time.Time
	Start, End   int64
	Token        string
	Entries      int
	Status       int
	Code         int64
	// Hint is how long the response asked to wait.
	Hint time.Duration
	// Fault names the episode that affected the call; empty: none.
	Fault string
}

// New makes an API with traits and weather whose log is drawn by the seed.
func New(seed uint64, traits Traits, traffic Traffic, weather []Episode) *API {
	return &API{
		seed: seed, traits: traits, weather: weather,
		log:     write(rand.New(rand.NewPCG(seed, 2)), traits, traffic),
		limiter: limiter{Limit: traits.Limit},
		cursors: map[string]*cursor{}, counts: map[string]int{},
	}
}

// Shown returns the entries that the API ever shows, by the time of their events.
func (a *API) Shown() []*Entry {
	return slices.DeleteFunc(slices.Clone(a.log), func(e *Entry) bool { return e.hidden })
}

// Calls are the calls of list_data so far.
func (a *API) Calls() []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls := make([]Call, len(a.calls))
	for i, call := range a.calls {
		calls[i] = *call
	}
	return calls
}

// Now is the server's clock.
func (a *API) Now() time.Time { return time.Now().Add(a.traits.Skew) }

// RoundTrip implements http.RoundTripper.
func (a *API) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body.Close()
	}
	call := &Call{At: time.Now(), Code: -1}
	if req.URL.Path == listPath {
		a.mu.Lock()
		a.calls = append(a.calls, call)
		a.mu.Unlock()
	}
	if err := wait(req.Context(), a.traits.Latency/2); err != nil {
		return nil, err
	}
	a.mu.Lock()
	r, fault := a.serve(req, body, call, a.chance(body))
	resp := a.response(req, r, a.Now())
	a.mu.Unlock()
	if err := a.carry(req.Context(), fault, resp); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	call.Answered = time.Now()
	if fault != Cut {
		call.Status, call.Code, call.Hint = r.status, r.code, r.hint
	}
	return resp, nil
}

// carry delivers a response to its caller, unless a fault prevents it.
func (a *API) carry(ctx context.Context, fault Fault, resp *http.Response) error {
	switch fault {
	case Hang:
		<-ctx.Done()
		return ctx.Err()
	case Lost, Reset:
		return errors.New("read tcp 127.0.0.1:443: connection reset by peer")
	case Cut:
		text, _ := io.ReadAll(resp.Body) // a string
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(text[:len(text)/2]), broken{}))
	}
	return wait(ctx, a.traits.Latency-a.traits.Latency/2)
}

// broken is a connection that ends in the middle of a body.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// chance is the randomness of a call. It does not depend on earlier calls, because two at the same time may come
// in either order.
func (a *API) chance(body []byte) *rand.Rand {
	h := fnv.New64a()
	h.Write(body)
	return rand.New(rand.NewPCG(a.seed^h.Sum64(), uint64(time.Now().UnixNano())))
}

// serve finds the response to a request.
func (a *API) serve(req *http.Request, body []byte, call *Call, rng *rand.Rand) (*answer, Fault) {
	now := a.Now()
	if req.Method != http.MethodPost {
		return notFound(), None
	}
	switch req.URL.Path {
	case tokenPath, tokenPath + "/":
		if fault := a.met(true, query{}, rng); fault != None {
			if r := a.faulty(fault); r != nil {
				return r, fault
			}
			return a.token(body, now), fault
		}
		return a.token(body, now), None
	case listPath:
		return a.list(req, body, call, now, rng)
	}
	return notFound(), None
}

// list answers list_data.
func (a *API) list(req *http.Request, body []byte, call *Call, now time.Time, rng *rand.Rand) (*answer, Fault) {
	if r := a.auth.check(a, req.Header.Get("Authorization"), now); r != nil {
		return r, None
	}
	if wait, ok := a.limiter.admit(now); !ok {
		return a.limited(wait), None
	}
	q, bad := a.parse(body, now)
	call.Start, call.End, call.Token = q.start, q.end, q.token
	fault := a.met(false, q, rng)
	if fault != None {
		call.Fault = string(fault)
		if r := a.faulty(fault); r != nil {
			return r, fault
		}
	}
	if bad != nil {
		return bad, fault
	}
	stored := now
	if len(a.traits.Replicas) > 0 {
		stored = now.Add(-one(rng, a.traits.Replicas...))
	}
	p, r := a.fetch(q, now, stored)
	if r != nil {
		return r, fault
	}
	call.Entries = len(p.entries)
	return &answer{status: http.StatusOK, kind: jsonKind, body: a.page(p, rng)}, fault
}

// page writes a page.
func (a *API) page(p page, rng *rand.Rand) string {
	items := make([]string, len(p.entries))
	for i, e := range p.entries {
		items[i] = e.JSON(rng, a.traits.Shape)
	}
	members := []member{{"items", "[" + strings.Join(items, ",") + "]"}}
	if len(items) == 0 {
		switch a.traits.Empty {
		case EmptyNull:
			members[0].value = "null"
		case EmptyAbsent:
			members = nil
		case EmptyData:
			if !p.more && p.token == "" {
				return `{"code":0,"msg":"success","data":{}}`
			}
		}
	}
	if p.token != "" {
		members = append(members, member{"page_token", quote(p.token)})
	}
	members = append(members, member{"has_more", strconv.FormatBool(p.more)})
	return `{"code":0,"msg":"success","data":` + object(rng, a.traits.Shape, members) + "}"
}

// parse reads a request of list_data.
func (a *API) parse(body []byte, now time.Time) (query, *answer) {
	var in struct {
		Keys  []string `json:"api_keys"`
		Start *int64   `json:"start_time"`
		End   *int64   `json:"end_time"`
		App   string   `json:"app_id"`
		Size  *int     `json:"page_size"`
		Token string   `json:"page_token"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return query{}, a.failure(http.StatusBadRequest, 9499, "Bad Request")
	}
	q := query{end: now.Unix(), size: 20, token: in.Token, app: in.App, keys: in.Keys}
	if in.Start != nil {
		q.start = *in.Start
	}
	if in.End != nil {
		q.end = *in.End
	}
	if in.Size != nil {
		q.size = *in.Size
	}
	span := time.Duration(q.end-q.start) * time.Second
	switch {
	case len(q.keys) > 100, q.size < 1, q.size > maxPageSize, q.start > q.end,
		a.traits.MaxSpan > 0 && span > a.traits.MaxSpan,
		a.traits.Future == FutureRefused && q.end > now.Unix(),
		a.traits.ExpiredRefused && a.traits.Retention > 0 && q.token == "" && now.Sub(time.Unix(q.start, 0)) > a.traits.Retention:
		return q, a.param("Request Param Error")
	}
	return q, nil
}
