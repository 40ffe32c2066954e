// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
)

// pollSettings say what is read, and how: the configuration's keys of the same names.
type pollSettings struct {
	APIKeys    []string // filter::api_keys
	CallingApp string   // filter::app_id

	PollInterval time.Duration
	// Phase says where in the poll interval the receiver looks, from 0 to 1: receivers
	// that start together look at once, and then not again together.
	Phase float64

	InitialLookback    time.Duration
	StartTime, EndTime time.Time
	RecheckAfter       []time.Duration
	MaxWindow          time.Duration
	PageSize           int
	RequestsPerMinute  int
	MaxConcurrentWalks int
	Retry              configretry.BackOffConfig
}

// parts are what a poller works with.
type parts struct {
	Logger  *zap.Logger
	Client  *client
	Pace    *pace
	Clock   *serverClock
	Store   *store
	Records *recordBuilder
	Pipe    *pipe
	Tel     *telemetry
	Health  *health
	// Remembers is told the calls of the last minute that the storage knows of.
	Remembers func(rememberedCalls)
	// Tracer and Receiver are for the spans of walks.
	Tracer   trace.Tracer
	Receiver attribute.KeyValue
}

// poller reads the log for one term: from Start, or from winning an election, to
// Shutdown, or to losing it. Only the calls of the API run beside its goroutine;
// everything that they return is handled in turn.
type poller struct {
	parts
	set pollSettings

	began     time.Time // the term
	spans     spans
	sched     *schedule
	delays    delays
	notBefore time.Time // no call before: the last one failed
	failedAt  time.Time // when that was
	results   chan result
	complete  bool // a bounded export was reported complete
	// anew is when this term began with initial_lookback, by our clock; zero once the
	// server's is known.
	anew time.Time
}

// newPoller returns a poller for a term that began then.
func newPoller(set pollSettings, with parts, began time.Time) *poller {
	return &poller{
		parts: with, set: set, began: began,
		spans:   newSpans(with.Tracer, with.Receiver),
		delays:  newDelays(set.Retry),
		results: make(chan result, set.MaxConcurrentWalks),
	}
}

// result is what a call returned.
type result struct {
	walk  *walk
	asked time.Time
	page  *page
	res   *answer
	err   error
}

// run reads until ctx ends, or until it is overtaken. Its calls end with ctx; a page
// that the pipeline has accepted by then is still committed.
func (p *poller) run(ctx context.Context) error {
	if err := p.resume(ctx); err != nil {
		var unusable *unusableError
		if errors.As(err, &unusable) {
			p.Health.unusable(causeCheckpoint, err)
		}
		return err
	}
	err := p.loop(ctx)
	for p.sched.inFlight() > 0 {
		p.sched.landed((<-p.results).walk)
	}
	p.sched.stop()
	p.spans.end(p.sched.drainEnded())
	return err
}

// resume loads the position, for as long as it takes: a storage that fails is not
// an empty one.
func (p *poller) resume(ctx context.Context) error {
	p.anew = time.Time{} // of a term that was overtaken
	stored, known, err := retryStorage(ctx, p, func() (*checkpoint, *seen, error) { return p.Store.load(ctx) })
	if err != nil {
		return err
	}
	calls, _, err := retryStorage(ctx, p, func() (rememberedCalls, struct{}, error) {
		calls, err := p.Store.loadCalls(ctx)
		return calls, struct{}{}, err
	})
	if err != nil {
		return err
	}
	p.Remembers(calls)

	set := settings{
		Tick:       max(1, int64(p.set.PollInterval/time.Second)),
		MaxWindow:  max(1, int64(p.set.MaxWindow/time.Second)),
		Walks:      p.set.MaxConcurrentWalks,
		PageSize:   p.set.PageSize,
		MaxPages:   maxPages,
		ClockSlack: int64(clockSlack / time.Second),
	}
	for _, after := range p.set.RecheckAfter {
		set.Recheck = append(set.Recheck, int64(after/time.Second))
	}
	if !p.set.EndTime.IsZero() {
		set.End = ceilSeconds(p.set.EndTime)
	}
	if stored == nil {
		begin := p.set.StartTime
		if begin.IsZero() {
			p.anew = p.began // not now: the storage may have kept us waiting
			begin = p.anew.Add(-p.set.InitialLookback)
		}
		set.Begin = max(0, begin.Unix())
	}
	p.sched = newSchedule(set, known)
	if stored != nil {
		p.sched.restore(stored.position())
		now := p.sched.snapshot()
		p.Logger.Info("Going on from the checkpoint",
			zap.Time("read_up_to", time.Unix(now.Marks[0], 0).UTC()),
			zap.Time("rechecked_up_to", time.Unix(p.sched.oldest(), 0).UTC()),
			zap.Int("remembered_ids", known.size()))
	} else {
		p.Logger.Info("No checkpoint yet: beginning anew", zap.Time("from", time.Unix(set.Begin, 0).UTC()))
	}
	p.showProgress()
	begin, _ := p.sched.bounds()
	switch {
	case p.sched.done() && stored == nil:
		p.Logger.Warn("end_time does not lie behind the begin: there is nothing to read; set start_time")
		p.complete = true
	case begin > time.Now().Unix():
		p.Logger.Warn("start_time lies ahead: there is nothing to read before", zap.Time("start_time", time.Unix(begin, 0).UTC()))
	}
	p.tellComplete()
	// Written before anything is read, so that a restart in the first minutes does
	// not begin later than this start did.
	return p.commit(ctx, nil)
}

// beginByServer moves the begin of the timeline to where initial_lookback is by the
// server's clock, if the first of its answers shows that ours is wrong: where ours is
// ahead, entries before our begin would be passed over; where it is behind, as that of a
// machine without a battery, years might be read.
func (p *poller) beginByServer(first *answer) bool {
	anew := p.anew
	p.anew = time.Time{}
	if anew.IsZero() || first.date.IsZero() {
		return false
	}
	begin := first.date.Add(-first.received.Sub(anew)).Add(-p.set.InitialLookback)
	if old, _ := p.sched.bounds(); time.Unix(old, 0).Sub(begin).Abs() <= clockSlack {
		return false
	}
	p.sched.beginAt(max(0, begin.Unix()))
	moved, _ := p.sched.bounds()
	p.Logger.Info("Our clock and the server's disagree: beginning by the server's", zap.Time("from", time.Unix(moved, 0).UTC()))
	return true
}

// ceilSeconds keeps an end_time between two seconds from cutting off the second
// that it lies in.
func ceilSeconds(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// loop asks for pages while there are any to ask for, and waits otherwise.
func (p *poller) loop(ctx context.Context) error {
	nextTick := time.Now().Add(time.Duration((1 - p.set.Phase) * float64(p.set.PollInterval)))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if now := time.Now(); !now.Before(nextTick) {
			p.sched.tickNow()
			for !now.Before(nextTick) {
				nextTick = nextTick.Add(p.set.PollInterval)
			}
		}
		p.launch(ctx)
		p.showProgress()
		wake := nextTick
		if p.notBefore.After(time.Now()) && p.notBefore.Before(wake) {
			wake = p.notBefore
		}
		// A call in flight may be the next failure: its outcome says whether trouble is over.
		if at := p.Health.settles(); p.sched.inFlight() == 0 && !at.IsZero() && at.Before(wake) {
			wake = at
		}
		timer.Reset(time.Until(wake))
		switch r, err := p.await(ctx, timer.C); {
		case err != nil:
			return err
		case r != nil:
			p.sched.landed(r.walk)
			err := p.handle(ctx, *r)
			p.spans.end(p.sched.drainEnded())
			if err != nil {
				return err
			}
		case p.sched.inFlight() == 0:
			p.Health.settle()
		}
	}
}

// await returns the next result, or none at the time to wake. Of what has happened already
// the end of the term goes first, and then a result: select would choose at random, and a
// seed of the simulation would not replay.
func (p *poller) await(ctx context.Context, wake <-chan time.Time) (*result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case r := <-p.results:
		return &r, nil
	default:
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-p.results:
		return &r, nil
	case <-wake:
		return nil, nil
	}
}

// launch starts as many calls as may run side by side.
func (p *poller) launch(ctx context.Context) {
	if time.Now().Before(p.notBefore) {
		return
	}
	wide := p.set.MaxConcurrentWalks
	if !p.anew.IsZero() {
		wide = 1 // the first answer may move the begin
	}
	for p.sched.inFlight() < wide {
		w := p.sched.take(p.Clock.now().Unix())
		if w == nil {
			return
		}
		asked := time.Now()
		req, within := p.listRequest(w.request()), p.spans.within(ctx, w)
		go func() {
			page, res, err := p.Client.listData(within, req)
			p.results <- result{walk: w, asked: asked, page: page, res: res, err: err}
		}()
	}
}

// listRequest asks for a page with what the configuration says.
func (p *poller) listRequest(r pageRequest) listRequest {
	return listRequest{
		APIKeys:   p.set.APIKeys,
		AppID:     p.set.CallingApp,
		StartTime: r.From,
		EndTime:   r.To,
		PageSize:  p.set.PageSize,
		PageToken: r.Token,
		Urgent:    r.Urgent,
	}
}

// maxPages is two million entries in one window; the window is halved then, down to one
// second.
const maxPages = 20_000

// handle takes the outcome of a call. An error means that the term is over.
func (p *poller) handle(ctx context.Context, r result) error {
	w := r.walk
	if r.err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var api *apiError
		if errors.As(r.err, &api) && api.code != 0 && r.res != nil {
			// Of the API itself: a window may be refused for ending in its future.
			p.Clock.observe(r.res.date, r.res.received)
		}
		return p.failed(ctx, r)
	}
	p.Clock.observe(r.res.date, r.res.received)
	if p.beginByServer(r.res) {
		return p.commit(ctx, nil)
	}
	var date int64
	if !r.res.date.IsZero() {
		date = r.res.date.Unix()
	}
	setBack := p.sched.answered(w, date)
	keys, delivered, lost, err := p.deliver(ctx, w, r)
	if err != nil {
		if len(keys) > 0 {
			err = errors.Join(err, p.commit(ctx, keys))
		}
		return err
	}
	if setBack {
		p.Logger.Debug("The server's clock was set back: the walk begins again")
		p.sched.restart(w, errClockSet)
		return p.commit(ctx, keys)
	}
	fault := p.sched.turn(w, r.page.ids(), r.page.hasMore, r.page.pageToken)
	if len(keys) > 0 || !r.page.hasMore {
		if err := p.commit(ctx, keys); err != nil {
			return err
		}
	}
	if !r.page.hasMore {
		p.Tel.gauges.walk()
	}
	if fault != nil {
		p.stuck(w, fault)
		return nil
	}
	if delivered > 0 || !r.page.hasMore {
		// Only progress counts as a success: pages that lead nowhere do not.
		p.delays.reset()
		if lost == 0 {
			p.Health.recovered(delivered > 0, !r.page.hasMore)
		}
	}
	p.tellComplete()
	return nil
}

// tellComplete says once that a bounded export has nothing left to read.
func (p *poller) tellComplete() {
	if p.sched.done() && !p.complete {
		p.complete = true
		begin, end := p.sched.bounds()
		p.Logger.Info("The export is complete", zap.Time("from", time.Unix(begin, 0).UTC()), zap.Time("to", time.Unix(end, 0).UTC()))
	}
}

// stuck is a walk that cannot be finished as it is: it begins again, shorter.
func (p *poller) stuck(w *walk, err error) {
	p.sched.shorten(w, err)
	wait := p.delays.config() // each try costs pages
	p.notBefore = time.Now().Add(wait)
	p.Health.failed(causePaging, fmt.Errorf("%s: %w", opList, err), time.Now(), wait)
}

// failed decides what to do after a failed call. The walk stays as it is, so the
// same page is asked for again, unless its page token is refused. An error means
// that the term is over.
func (p *poller) failed(ctx context.Context, r result) error {
	w, err := r.walk, r.err
	var unwritten *unwrittenError
	if errors.As(err, &unwritten) {
		return p.waitAfter(ctx, causeStorage, unwritten.err, time.Now())
	}
	var api *apiError
	if !errors.As(err, &api) {
		api = &apiError{class: classRetry, cause: causeAPI, operation: opList, reason: err.Error()}
	}
	if api.class != classParameter && r.asked.Before(p.failedAt) {
		// Asked for beside the one that failed, and so spoiled by the same trouble.
		p.notBefore = later(p.notBefore, time.Now().Add(api.wait))
		return nil
	}
	if api.class != classParameter {
		p.failedAt = time.Now()
	}
	var wait time.Duration
	switch api.class {
	case classRateLimited:
		// With a hint all calls are held back already, since the answer came.
		wait = api.wait
		if wait == 0 {
			wait = max(minWaitHint, p.delays.passing())
			p.Tel.waited("server", p.Pace.pause(wait))
		}
	case classParameter:
		if w.request().Token != "" {
			if p.sched.dropToken(w, err) {
				p.Logger.Debug("The page token is no longer taken: the walk begins again", zap.Error(err))
				return nil
			}
			api.cause = causePaging
			wait = p.delays.passing()
			break
		}
		if p.sched.refuse(w) {
			p.Logger.Debug("The API refuses the window: trying a shorter one", zap.Error(err))
			return nil
		}
		if gaveUp, err := p.giveUp(ctx, w); gaveUp || ctx.Err() != nil {
			return err
		}
		_, second, _ := w.span()
		api.advice = fmt.Sprintf("the API refuses even one second (%s): check filter::api_keys and filter::app_id; if it is only that this time lies before what the API keeps, the receiver passes it over by itself after %s",
			time.Unix(second, 0).UTC().Format(time.RFC3339), refusalPatience)
		wait = p.delays.config()
	case classConfig:
		wait = p.delays.config()
	case classQuota:
		wait = p.delays.quota()
	default:
		wait = max(p.delays.passing(), api.wait)
	}
	p.notBefore = later(p.notBefore, time.Now().Add(wait))
	p.Health.failed(api.cause, api, time.Now().Add(-api.took), wait)
	return nil
}

// deliver hands the new entries of a page to the pipeline and returns what to
// remember of the page, how many entries were handed over, and how many of them were
// lost. With an error, that is what the pipeline took before the term ended.
func (p *poller) deliver(ctx context.Context, w *walk, r result) (keys []seenKey, delivered, lost int, err error) {
	var (
		items []*item   // the new entries,
		fresh []seenKey // and their keys
		again []seenKey // to be remembered anew: this window returned them, too
		known int
	)
	ctx = p.spans.within(ctx, w)
	inPage := make(map[seenKey]struct{}, len(r.page.items))
	for i := range r.page.items {
		it := &r.page.items[i]
		at, readable := it.eventTime()
		if readable && p.sched.outside(at) {
			continue
		}
		k := w.key(it.uid(), at, readable)
		_, twice := inPage[k]
		inPage[k] = struct{}{}
		switch {
		case twice:
			known++
		case p.sched.known(k):
			known++
			if k.isOdd() {
				again = append(again, k)
			}
		default:
			items, fresh = append(items, it), append(fresh, k)
		}
	}
	p.Tel.read(len(r.page.items))
	p.Tel.known(known)
	// An API that ignores page_size must not make a batch larger than pipelines and
	// backends take.
	for start := 0; start < len(items); start += maxPageSize {
		end := min(start+maxPageSize, len(items))
		batch := items[start:end]
		logs, stats := p.Records.build(batch, r.res.received)
		refused, left, err := p.Pipe.hand(ctx, logs, p.Health)
		if err != nil {
			accepted := taken(batch, fresh[start:end], left)
			p.Tel.delivered(len(accepted), 0)
			return p.remember(append(fresh[:start:start], accepted...)), start + len(accepted), lost, err
		}
		lost += refused
		p.Tel.delivered(len(batch)-refused, refused)
		p.Tel.noticed(stats.malformed, stats.redacted)
		p.countLate(batch)
	}
	return p.remember(append(fresh, again...)), len(items), lost, nil
}

func (p *poller) remember(keys []seenKey) []seenKey {
	p.sched.remember(keys)
	return keys
}

// countLate counts the new entries of seconds that were read before.
func (p *poller) countLate(items []*item) {
	now := p.Clock.now().Unix()
	for _, it := range items {
		at, ok := it.eventTime()
		if !ok {
			continue
		}
		if foundBy, late := p.sched.late(at); late {
			p.Tel.foundLate(foundBy, max(0, now-at))
		}
	}
}

// showProgress tells the gauges how far the term is.
func (p *poller) showProgress() {
	now := p.sched.snapshot()
	_, end := p.sched.bounds()
	ids, bytes := p.sched.rememberedIDs()
	p.Tel.gauges.progress(progress{End: end, Recheck: now.Recheck, Marks: now.Marks, IDs: ids, IDBytes: bytes})
}

// taken returns the keys of the items that are not among the records left; none
// where a processor changed or removed ids, so that it cannot be told.
func taken(items []*item, keys []seenKey, left plog.Logs) []seenKey {
	missing := make(map[string]struct{})
	for _, uid := range uidsOf(left) {
		missing[uid] = struct{}{}
	}
	var out []seenKey
	for i, it := range items {
		if _, ok := missing[it.uid()]; !ok {
			out = append(out, keys[i])
		}
	}
	if len(items)-len(out) != left.LogRecordCount() {
		return nil // better twice than never
	}
	return out
}

// commitGrace is how long a commit may take, and how long it is tried after the
// term has ended.
const commitGrace = 5 * time.Second

// commit writes the checkpoint. Until it is written nothing more is asked for: a
// crash would otherwise repeat more than the last page.
func (p *poller) commit(ctx context.Context, keys []seenKey) error {
	now, forgettable := p.sched.snapshot(), p.sched.forgettable()
	// Not ctx: what the pipeline has accepted is written down even when the term
	// ends in this moment.
	lasting, done := outlive(ctx, commitGrace)
	defer done()
	for {
		began := time.Now()
		writing, cancel := context.WithTimeout(lasting, commitGrace)
		err := p.Store.save(writing, now, keys, forgettable)
		cancel()
		switch {
		case err == nil:
			p.Tel.gauges.save()
			return nil
		case errors.Is(err, errOvertaken):
			p.Logger.Warn("Another replica has taken over: what this one delivered last may come again")
			return err
		case ctx.Err() == nil:
			_ = p.waitAfter(ctx, causeStorage, err, began)
		case sleep(lasting, commitGrace/20) != nil:
			p.Logger.Warn("The position could not be written before the end: what was delivered since the last time comes again", zap.Error(err))
			return ctx.Err()
		}
	}
}

// outlive returns a context that ends a grace later than ctx does.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = sleep(lasting, grace)
		cancel()
	})
	return lasting, func() {
		stop()
		cancel()
	}
}

// waitAfter notes a failure that passes by itself, of what was begun at a time, and
// waits for the next try; for the end of the term, where there can be none.
func (p *poller) waitAfter(ctx context.Context, c cause, err error, began time.Time) error {
	var panicked *panicError
	if errors.As(err, &panicked) {
		p.Health.unusable(c, err)
		<-ctx.Done()
		return ctx.Err()
	}
	wait := p.delays.passing()
	p.Health.failed(c, err, began, wait)
	return sleep(ctx, wait)
}

// retryStorage calls f until it succeeds or fails for good.
func retryStorage[A, B any](ctx context.Context, p *poller, f func() (A, B, error)) (A, B, error) {
	for {
		began := time.Now()
		a, b, err := f()
		var unusable *unusableError
		if err == nil || errors.As(err, &unusable) {
			return a, b, err
		}
		if err := p.waitAfter(ctx, causeStorage, err, began); err != nil {
			return a, b, err
		}
	}
}

// later returns the later of two times.
func later(a, b time.Time) time.Time { return slices.MaxFunc([]time.Time{a, b}, time.Time.Compare) }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
