// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.opentelemetry.io/collector/component"

	receiver "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/filestore"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/screen"
)

// job is one run of an export.
type job struct {
	*options
	cfg            *receiver.Config
	query          *query
	others         map[component.ID]component.Component
	open           func(path string) (*filestore.File, error)
	stdout, stderr io.Writer
}

// run exports, and writes the result.
func (j *job) run(ctx context.Context) error {
	state, remove, err := j.openState(ctx)
	if err != nil {
		return err
	}
	// Always closed: we own the lock and, with standard output, the file itself.
	defer remove(false)
	defer state.Close(context.WithoutCancel(ctx))
	out, report, err := j.openOutput(ctx, state)
	if err != nil {
		return err
	}
	defer out.close()
	j.cfg.StartTime, j.cfg.EndTime = j.query.Start, j.query.End // of the first start

	m := &meter{out: j.stderr, live: cli.IsTerminal(j.stderr), width: cli.Width(j.stderr), from: j.query.Start, to: j.query.End}
	show := m.show
	if j.quiet {
		show = func(snapshot) {}
	} else {
		m.say(fmt.Sprintf("Exporting from %s to %s. Ctrl-C ends it.", j.query.Start.Local().Format(time.RFC3339), j.query.End.Local().Format(time.RFC3339)))
	}
	e := &engine{cfg: j.cfg, state: state, out: out, others: j.others, stall: j.giveUp, say: m.say}
	began := time.Now()
	last, err := e.run(ctx, show)
	m.clear()
	err = errors.Join(err, out.sync())
	s := &summary{
		Complete: err == nil && last.skipped == 0, From: j.query.Start, To: j.query.End, Records: last.records, Calls: last.calls,
		SkippedSeconds: last.skipped, TookSeconds: time.Since(began).Seconds(), Out: j.out,
	}
	if err == nil {
		err = state.Close(ctx)
		remove(true)
	}
	if err == nil {
		if last.skipped > 0 {
			err = fmt.Errorf("not complete: the API does not show %s of the time range", short(time.Duration(last.skipped*float64(time.Second))))
		}
	} else if j.out != "" {
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		err = fmt.Errorf("%w (run the same command again: it resumes where this one stopped)", err)
	}
	return j.tell(s, report, err)
}

// tell writes the summary.
func (j *job) tell(s *summary, report func(io.Writer), err error) error {
	if err != nil {
		s.Reason = err.Error()
	}
	report(j.stderr)
	switch {
	case j.json:
		encoder := json.NewEncoder(j.stdout)
		encoder.SetIndent("", "  ")
		err = errors.Join(err, encoder.Encode(s))
	case err == nil && !j.quiet:
		cli.Print(j.stderr, "Complete: "+s.String())
	case err != nil:
		cli.Print(j.stderr, "Not complete: "+s.String())
	}
	return err
}

// openState opens the state next to the output, and takes over what an unfinished export has left there. Without
// an output to continue it is a temporary file. The returned function removes the file once the export is
// complete, and always if it is temporary.
func (j *job) openState(ctx context.Context) (state *filestore.File, remove func(complete bool), err error) {
	if j.out == "" {
		dir, err := os.MkdirTemp("", "feishu-audit-export-")
		if err != nil {
			return nil, nil, err
		}
		state, err := j.open(filepath.Join(dir, "state"))
		return state, func(bool) { _ = os.RemoveAll(dir) }, err
	}
	path := j.state
	if path == "" {
		path = j.out + ".state"
	}
	_, err = os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	if _, err := os.Stat(j.out); err == nil && fresh {
		return nil, nil, cli.Usagef("--out: %s exists already, without the state of an unfinished export (%s)", j.out, path)
	}
	if state, err = j.open(path); err != nil {
		if errors.Is(err, filestore.ErrLocked) {
			err = fmt.Errorf("%s: another export is running with it: %w", path, filestore.ErrLocked)
		}
		return nil, nil, err
	}
	if err := j.resume(ctx, state, path); err != nil {
		return nil, nil, errors.Join(err, state.Close(ctx))
	}
	return state, func(complete bool) {
		if complete {
			_ = os.Remove(path)
		}
	}, nil
}

// resume takes the time range of the first start from the state, or stores the present one.
func (j *job) resume(ctx context.Context, state *filestore.File, path string) error {
	data, err := state.Get(ctx, queryKey)
	if err != nil {
		return err
	}
	if data == nil {
		text, err := json.Marshal(j.query)
		if err != nil {
			return err
		}
		return state.Set(ctx, queryKey, text)
	}
	var stored query
	if err := json.Unmarshal(data, &stored); err != nil {
		return fmt.Errorf("%s is damaged: %w", path, err)
	}
	if !stored.same(j.query) {
		return cli.Usagef("%s belongs to an export with other flags: repeat that command, or remove %s and %s", path, path, j.out)
	}
	j.query = &stored
	return nil
}

// openOutput opens the output at the end that is in the state. The returned function writes the closing remarks.
func (j *job) openOutput(ctx context.Context, state *filestore.File) (*output, func(io.Writer), error) {
	if j.showRedactions {
		f := newRedactions(j.cfg)
		out, err := streamOutput(j.stdout, f)
		return out, f.summarise, err
	}
	width := cli.DefaultWidth
	if j.out == "" {
		width = cli.Width(j.stdout)
	}
	f := newFormat(j.Format, screen.NewLayout(width, j.out == "" && cli.Colour(j.stdout), true))
	nothing := func(io.Writer) {}
	if j.out == "" {
		out, err := streamOutput(j.stdout, f)
		return out, nothing, err
	}
	size, records, err := stateOutput(ctx, state)
	if err != nil {
		return nil, nil, err
	}
	out, err := openOutput(j.out, size, records, f)
	return out, nothing, err
}
