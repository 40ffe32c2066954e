// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
)

// poller reads the log for one term: from Start, or from winning an election, to
// Shutdown, or to losing it. Only the calls of the API run beside its goroutine;
// everything that they return is handled in turn.
type poller struct {
	cfg     *Config
	logger  *zap.Logger
	client  *client
	pace    *pace
	clock   *serverClock
	store   *store
	records *recordBuilder
	pipe    *pipe
	tel     *telemetry
	health  *health
	// remembers is told the calls of the last minute that the storage knows of.
	remembers func(rememberedCalls)
	// jitter draws from [0, d).
	jitter func(d time.Duration) time.Duration
	// maxPages is the constant, but in tests.
	maxPages int64

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
	p.delays = newDelays(p.cfg.RetryOnFailure)
	p.spans = p.tel.newSpans()
	p.results = make(chan result, p.cfg.MaxConcurrentWalks)
	if err := p.resume(ctx); err != nil {
		var unusable *unusableError
		if errors.As(err, &unusable) {
			p.health.unusable(causeCheckpoint, err)
		}
		return err
	}
	err := p.loop(ctx)
	for p.sched.inFlight > 0 {
		p.sched.landed((<-p.results).walk)
	}
	p.spans.endAll()
	return err
}

// resume loads the position, for as long as it takes: a storage that fails is not
// an empty one.
func (p *poller) resume(ctx context.Context) error {
	p.anew = time.Time{} // of a term that was overtaken
	stored, known, err := retryStorage(ctx, p, func() (*checkpoint, *seen, error) { return p.store.load(ctx) })
	if err != nil {
		return err
	}
	calls, _, err := retryStorage(ctx, p, func() (rememberedCalls, struct{}, error) {
		calls, err := p.store.loadCalls(ctx)
		return calls, struct{}{}, err
	})
	if err != nil {
		return err
	}
	p.remembers(calls)

	set := settings{
		Tick:       max(1, int64(p.cfg.PollInterval/time.Second)),
		MaxWindow:  max(1, int64(p.cfg.MaxWindow/time.Second)),
		Walks:      p.cfg.MaxConcurrentWalks,
		PageSize:   p.cfg.PageSize,
		MaxPages:   p.maxPages,
		ClockSlack: int64(clockSlack / time.Second),
	}
	for _, after := range p.cfg.RecheckAfter {
		set.Recheck = append(set.Recheck, int64(after/time.Second))
	}
	if !p.cfg.EndTime.IsZero() {
		set.End = ceilSeconds(p.cfg.EndTime)
	}
	if stored == nil {
		begin := p.cfg.StartTime
		if begin.IsZero() {
			p.anew = p.began // not now: the storage may have kept us waiting
			begin = p.anew.Add(-p.cfg.InitialLookback)
		}
		set.Begin = max(0, begin.Unix())
	}
	p.sched = newSchedule(set, known)
	if stored != nil {
		p.sched.restore(stored.position())
		now := p.sched.snapshot()
		p.logger.Info("Going on from the checkpoint",
			zap.Time("read_up_to", time.Unix(now.Marks[0], 0).UTC()),
			zap.Time("rechecked_up_to", time.Unix(p.sched.oldest(), 0).UTC()),
			zap.Int("remembered_ids", known.size()))
	} else {
		p.logger.Info("No checkpoint yet: beginning anew", zap.Time("from", time.Unix(set.Begin, 0).UTC()))
	}
	p.showProgress()
	begin, _ := p.sched.bounds()
	switch {
	case p.sched.done() && stored == nil:
		p.logger.Warn("end_time does not lie behind the begin: there is nothing to read; set start_time")
		p.complete = true
	case begin > time.Now().Unix():
		p.logger.Warn("start_time lies ahead: there is nothing to read before", zap.Time("start_time", time.Unix(begin, 0).UTC()))
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
	begin := first.date.Add(-first.received.Sub(anew)).Add(-p.cfg.InitialLookback)
	if old, _ := p.sched.bounds(); time.Unix(old, 0).Sub(begin).Abs() <= clockSlack {
		return false
	}
	p.sched.beginAt(max(0, begin.Unix()))
	moved, _ := p.sched.bounds()
	p.logger.Info("Our clock and the server's disagree: beginning by the server's", zap.Time("from", time.Unix(moved, 0).UTC()))
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
	// Receivers that start together look at once, and then not again together.
	nextTick := time.Now().Add(1 + p.jitter(p.cfg.PollInterval))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if now := time.Now(); !now.Before(nextTick) {
			p.sched.tickNow()
			for !now.Before(nextTick) {
				nextTick = nextTick.Add(p.cfg.PollInterval)
			}
		}
		p.launch(ctx)
		p.showProgress()
		wake := nextTick
		if p.notBefore.After(time.Now()) && p.notBefore.Before(wake) {
			wake = p.notBefore
		}
		// A call in flight may be the next failure: its outcome says whether trouble is over.
		if at := p.health.settles(); p.sched.inFlight == 0 && !at.IsZero() && at.Before(wake) {
			wake = at
		}
		timer.Reset(time.Until(wake))
		switch r, err := p.await(ctx, timer.C); {
		case err != nil:
			return err
		case r != nil:
			p.sched.landed(r.walk)
			err := p.handle(ctx, *r)
			p.spans.endEach(p.sched.drainEnded())
			if err != nil {
				return err
			}
		case p.sched.inFlight == 0:
			p.health.settle()
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
	wide := p.cfg.MaxConcurrentWalks
	if !p.anew.IsZero() {
		wide = 1 // the first answer may move the begin
	}
	for p.sched.inFlight < wide {
		w := p.sched.take(p.clock.now().Unix())
		if w == nil {
			return
		}
		asked := time.Now()
		req, within := p.listRequest(w.request()), p.spans.within(ctx, w)
		go func() {
			page, res, err := p.client.listData(within, req)
			p.results <- result{walk: w, asked: asked, page: page, res: res, err: err}
		}()
	}
}

// listRequest asks for a page with what the configuration says.
func (p *poller) listRequest(r pageRequest) listRequest {
	return listRequest{
		APIKeys:   p.cfg.Filter.APIKeys,
		AppID:     p.cfg.Filter.AppID,
		StartTime: r.From,
		EndTime:   r.To,
		PageSize:  p.cfg.PageSize,
		PageToken: r.Token,
		urgent:    r.Urgent,
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
			p.clock.observe(r.res.date, r.res.received)
		}
		return p.failed(ctx, r)
	}
	p.clock.observe(r.res.date, r.res.received)
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
		p.logger.Debug("The server's clock was set back: the walk begins again")
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
		p.tel.gauges.walk()
	}
	if fault != nil {
		p.stuck(w, fault)
		return nil
	}
	if delivered > 0 || !r.page.hasMore {
		// Only progress counts as a success: pages that lead nowhere do not.
		p.delays.reset()
		if lost == 0 {
			p.health.recovered(delivered > 0, !r.page.hasMore)
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
		p.logger.Info("The export is complete", zap.Time("from", time.Unix(begin, 0).UTC()), zap.Time("to", time.Unix(end, 0).UTC()))
	}
}

// stuck is a walk that cannot be finished as it is: it begins again, shorter.
func (p *poller) stuck(w *walk, err error) {
	p.sched.shorten(w, err)
	wait := p.delays.config() // each try costs pages
	p.notBefore = time.Now().Add(wait)
	p.health.failed(causePaging, fmt.Errorf("%s: %w", opList, err), time.Now(), wait)
}

// failed decides what to do after a failed call. The walk stays as it is, so the
// same page is asked for again, unless its page token is refused. An error means
// that the term is over.
func (p *poller) failed(ctx context.Context, r result) error {
	w, err := r.walk, r.err
	var unwritten *unwrittenError
	if errors.As(err, &unwritten) {
		return p.waitAfter(ctx, causeStorage, unwritten.error, time.Now())
	}
	var api *apiError
	if !errors.As(err, &api) {
		api = &apiError{class: classRetry, cause: causeAPI, operation: opList, reason: err.Error()}
	}
	if api.class != classParameter && r.asked.Before(p.failedAt) {
		// Asked for beside the one that failed, and so spoiled by the same trouble.
		p.notBefore = latest(p.notBefore, time.Now().Add(api.wait))
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
			p.tel.waited("server", p.pace.pause(wait))
		}
	case classParameter:
		if w.request().Token != "" {
			if p.sched.dropToken(w, err) {
				p.logger.Debug("The page token is no longer taken: the walk begins again", zap.Error(err))
				return nil
			}
			api.cause = causePaging
			wait = p.delays.passing()
			break
		}
		if p.sched.refuse(w) {
			p.logger.Debug("The API refuses the window: trying a shorter one", zap.Error(err))
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
	p.notBefore = latest(p.notBefore, time.Now().Add(wait))
	p.health.failed(api.cause, api, time.Now().Add(-api.took), wait)
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
	p.tel.read(len(r.page.items))
	p.tel.known(known)
	// An API that ignores page_size must not make a batch larger than pipelines and
	// backends take.
	for start := 0; start < len(items); start += maxPageSize {
		end := min(start+maxPageSize, len(items))
		batch := items[start:end]
		logs, stats := p.records.build(batch, r.res.received)
		refused, left, err := p.pipe.hand(ctx, logs, p.health)
		if err != nil {
			accepted := taken(batch, fresh[start:end], left)
			p.tel.delivered(len(accepted), 0, recordStats{})
			return p.remember(append(fresh[:start:start], accepted...)), start + len(accepted), lost, err
		}
		lost += refused
		p.tel.delivered(len(batch)-refused, refused, stats)
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
	now := p.clock.now().Unix()
	for _, it := range items {
		at, ok := it.eventTime()
		if !ok {
			continue
		}
		if foundBy, late := p.sched.late(at); late {
			p.tel.foundLate(foundBy, max(0, now-at))
		}
	}
}

// showProgress tells the gauges how far the term is.
func (p *poller) showProgress() {
	now := p.sched.snapshot()
	_, end := p.sched.bounds()
	ids, bytes := p.sched.rememberedIDs()
	p.tel.gauges.progress(progress{End: end, Recheck: now.Recheck, Marks: now.Marks, IDs: ids, IDBytes: bytes})
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
		err := p.store.save(writing, now, keys, forgettable)
		cancel()
		switch {
		case err == nil:
			p.tel.gauges.save()
			return nil
		case errors.Is(err, errOvertaken):
			p.logger.Warn("Another replica has taken over: what this one delivered last may come again")
			return err
		case ctx.Err() == nil:
			_ = p.waitAfter(ctx, causeStorage, err, began)
		case sleep(lasting, commitGrace/20) != nil:
			p.logger.Warn("The position could not be written before the end: what was delivered since the last time comes again", zap.Error(err))
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
		p.health.unusable(c, err)
		<-ctx.Done()
		return ctx.Err()
	}
	wait := p.delays.passing()
	p.health.failed(c, err, began, wait)
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
