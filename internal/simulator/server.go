// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Paths of the endpoints.
const (
	TokenPath = "/open-apis/auth/v3/tenant_access_token/internal"
	ListPath  = "/open-apis/security_and_compliance/v1/openapi_logs/list_data"
)

// maxRequest is the size limit of the request body.
const maxRequest = 1 << 20

// Server is the simulated Open API. It is safe for concurrent use.
type Server struct {
	mu       sync.Mutex
	opts     Options
	rng      *rand.Rand
	log      auditLog
	tokens   []token
	struck   []faultState // of opts.Faults, by index
	calls    callLog
	meter    meter
	limits   map[string]*limiter // by app id
	quota    quota
	shuffles []shuffle
	glitches glitches
	// usedTokens are the last page tokens that were used, if each can be used only once.
	usedTokens []string
}

// faultState is the state of one fault.
type faultState struct {
	seen, struck int
}

// New makes a server. It panics if the options are not valid, see
// [Options.Validate].
func New(opts Options) *Server {
	s := &Server{
		rng:    rand.New(rand.NewPCG(opts.Seed, 0x5eed)),
		limits: map[string]*limiter{},
	}
	s.configure(opts)
	return s
}

func (s *Server) configure(opts Options) {
	if err := opts.Validate(); err != nil {
		panic("simulator: " + err.Error())
	}
	opts = opts.withDefaults()
	if !slices.Equal(opts.Faults, s.opts.Faults) || s.struck == nil {
		s.struck = make([]faultState, len(opts.Faults))
	}
	s.opts = opts
	s.log.tenant = opts.Tenant
}

// Update changes the options while the server runs. A change of Faults resets their counts. A change of Seed has
// no effect. It panics if the result is not valid.
func (s *Server) Update(change func(*Options)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	opts := s.opts.withDefaults() // a copy, so that the comparison of faults sees a change that was made in place
	change(&opts)
	s.configure(opts)
}

// Add adds explicit entries to the log. An entry that is added during a walk is not in its pages if Paging is
// snapshot.
func (s *Server) Add(entries ...Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.store.add(entries)
}

// Added returns the explicit entries, including those for the reader's own calls, by event time.
func (s *Server) Added() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []Entry
	for i := range s.log.store.entries {
		entries = append(entries, s.log.store.entries[i].Entry)
	}
	return entries
}

// Calls returns the newest calls, at most 100,000, in the order of arrival.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls.all()
}

// CallsOf returns those of the newest calls that were made to an endpoint.
func (s *Server) CallsOf(endpoint Endpoint) []Call {
	return slices.DeleteFunc(s.Calls(), func(c Call) bool { return c.Endpoint != endpoint })
}

// MaxCallsInAnyMinute is the largest number of list_data calls that arrived within any 60 s, with any answer and
// from any app.
func (s *Server) MaxCallsInAnyMinute() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.meter.most
}

// RevokeTokens makes all issued access tokens invalid.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = nil
}

// ServeHTTP answers one call. A connection reset is a panic with http.ErrAbortHandler, which net/http and
// Transport handle.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	// Read first: the server must not wait for the caller while it holds its lock.
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	a, observe := s.answer(r, body, arrived)
	if observe != nil {
		observe(a.call)
	}
	a.send(w, r)
}

// answer decides everything about one call except the sending.
func (s *Server) answer(r *http.Request, body []byte, arrived time.Time) (*answer, func(Call)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := arrived.Add(s.opts.ClockSkew)
	a := &answer{
		now:    now,
		header: http.Header{},
		gzip:   s.opts.Gzip,
		call: Call{
			Time: arrived, Endpoint: endpointOf(r), Path: r.URL.Path, Method: r.Method, Code: -1,
			LogID: now.UTC().Format("20060102150405") + fmt.Sprintf("%016X%04X", s.rng.Uint64(), s.rng.Uint32()&0xffff),
		},
	}
	switch a.call.Endpoint {
	case EndpointToken:
		s.serveToken(a, body)
	case EndpointList:
		s.meter.arrive(arrived)
		s.serveList(a, r, body)
	default:
		a.text(http.StatusNotFound, "404 page not found")
	}
	a.call.Status = a.status
	s.calls.add(a.call)
	return a, s.opts.Observe
}

// endpointOf finds the endpoint. The real token endpoint accepts a trailing slash; a wrong path and a wrong
// method have the same answer.
func endpointOf(r *http.Request) Endpoint {
	switch {
	case r.Method != http.MethodPost:
		return EndpointNone
	case strings.TrimSuffix(r.URL.Path, "/") == TokenPath:
		return EndpointToken
	case r.URL.Path == ListPath:
		return EndpointList
	default:
		return EndpointNone
	}
}

// strike returns the fault that applies to this call at this stage, or nil. skip, if not nil, reports faults
// that this call cannot have.
func (s *Server) strike(a *answer, st stage, skip func(*Fault) bool) *Fault {
	for i := range s.opts.Faults {
		f, state := &s.opts.Faults[i], &s.struck[i]
		if !f.at(a.call.Endpoint, st) || !f.bind(a) || skip != nil && skip(f) {
			continue
		}
		state.seen++
		n := state.seen - f.After
		switch {
		case n <= 0,
			f.Count > 0 && state.struck >= f.Count,
			f.Every > 1 && n%f.Every != 0,
			f.Probability > 0 && s.rng.Float64() >= f.Probability:
			continue
		}
		state.struck++
		a.call.Faults = append(a.call.Faults, f.Kind)
		return f
	}
	return nil
}

// strikeGateway handles the faults that come before anything else. It reports whether the call has its answer.
func (s *Server) strikeGateway(a *answer) bool {
	f := s.strike(a, stageGateway, nil)
	if f == nil {
		return false
	}
	switch f.Kind {
	case FaultRevoke:
		s.tokens = nil
		return false
	case FaultHTML:
		a.html(statusOr(f.Status, http.StatusBadGateway))
	case FaultEmpty:
		a.body(statusOr(f.Status, http.StatusOK), nil)
	case FaultBareJSON:
		a.body(statusOr(f.Status, http.StatusOK), []byte("{}"))
	case FaultProxy:
		a.text(statusOr(f.Status, http.StatusBadRequest), "400 The plain HTTP request was sent to HTTPS port")
	case FaultNotFound:
		a.text(statusOr(f.Status, http.StatusNotFound), "404 page not found")
	case FaultRedirect:
		location := f.Location
		if location == "" {
			location = "https://redirected.invalid" + a.call.Path
		}
		a.header.Set("Location", location)
		a.body(statusOr(f.Status, http.StatusTemporaryRedirect), nil)
	case FaultReset, FaultHang:
		a.kind = f.Kind
	}
	return true
}

// strikeBody notes what happens to the answer in transit.
func (s *Server) strikeBody(a *answer) {
	caller := a.call.FilterAppID
	f := s.strike(a, stageBody, func(f *Fault) bool { return f.Kind == FaultWrongDate && s.glitches.wrongDate[caller] })
	switch {
	case a.call.Endpoint != EndpointList:
	case f == nil || f.Kind != FaultWrongDate: // a correct Date was sent
		delete(s.glitches.wrongDate, caller)
	default:
		if s.glitches.wrongDate == nil {
			s.glitches.wrongDate = make(map[string]bool)
		}
		s.glitches.wrongDate[caller] = true
	}
	if f != nil {
		a.kind, a.fault = f.Kind, *f
	}
}

func statusOr(status, usual int) int {
	if status != 0 {
		return status
	}
	return usual
}
