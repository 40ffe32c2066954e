// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package process runs the real collector, the simulator and other programs, and reads their costs from /proc.
// It needs Linux.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a program that runs.
type Process struct {
	cmd   *exec.Cmd
	out   *output
	ended chan struct{}
}

// output keeps what a program writes, and lets others wait for a line.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Start runs a program that ends with ctx at the latest.
func Start(ctx context.Context, env []string, program string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.CommandContext(ctx, program, args...), out: &output{}, ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.SysProcAttr = childAttributes()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // whoever waits for a line sees how it ended
	}()
	return p, nil
}

// Await waits until the program has written the text n times.
func (p *Process) Await(ctx context.Context, text string, n int) error {
	for {
		if strings.Count(p.out.String(), text) >= n {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-p.ended:
			return fmt.Errorf("%s ended before it wrote %q:\n%s", p.cmd.Path, text, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s did not write %q in time:\n%s", p.cmd.Path, text, p.tail())
		}
	}
}

func (p *Process) tail() string {
	text := p.out.String()
	return text[max(0, len(text)-2000):]
}

// Output is what the program has written so far.
func (p *Process) Output() string { return p.out.String() }

// Stop ends the program like an operator, and waits for it.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// Wait waits for the program to end on its own and returns the CPU time it took.
func (p *Process) Wait(ctx context.Context) (time.Duration, error) {
	select {
	case <-p.ended:
	case <-ctx.Done():
		p.Stop()
		return 0, ctx.Err()
	}
	if !p.cmd.ProcessState.Success() {
		return 0, fmt.Errorf("%s: %s\n%s", p.cmd.Path, p.cmd.ProcessState, p.tail())
	}
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), nil
}

// Goroutines ends a Go program with a dump of its stacks, and counts them.
func (p *Process) Goroutines() int {
	before := len(p.out.String())
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	<-p.ended
	return len(goroutine.FindAllString(p.out.String()[before:], -1))
}

var goroutine = regexp.MustCompile(`(?m)^goroutine \d+`)

// CPU is the CPU time that the program has used so far.
func (p *Process) CPU() (time.Duration, error) {
	text, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may have spaces in it.
	rest := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(rest) < 13 {
		return 0, errors.New("/proc/PID/stat is not as proc(5) says")
	}
	user, err1 := strconv.ParseInt(rest[11], 10, 64)
	system, err2 := strconv.ParseInt(rest[12], 10, 64)
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all platforms of Go
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// Memory is the resident memory in bytes, now and at its peak.
func (p *Process) Memory() (now, most int64, err error) {
	text, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if name == "VmRSS" || name == "VmHWM" {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0, 0, err
			}
			if name == "VmRSS" {
				now = kb << 10
			} else {
				most = kb << 10
			}
		}
	}
	return now, most, nil
}

// Connections counts the established TCP connections to a port.
func (p *Process) Connections(port int) (int, error) {
	sockets := map[string]bool{}
	links, err := filepath.Glob(p.proc("fd/*"))
	if err != nil {
		return 0, err
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil { // it may be closed by now
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				sockets[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	text, err := os.ReadFile(p.proc("net/tcp"))
	if err != nil {
		return 0, err
	}
	n, remote := 0, fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 9 && strings.HasSuffix(f[2], remote) && f[3] == "01" && sockets[f[9]] {
			n++
		}
	}
	return n, nil
}

func (p *Process) proc(name string) string {
	return filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), name)
}

// Simulator starts feishu-audit simulate and returns its endpoint and port.
func Simulator(ctx context.Context, binary, dir string, args ...string) (p *Process, endpoint string, port int, err error) {
	file := filepath.Join(dir, "endpoint")
	p, err = Start(ctx, nil, binary, append([]string{"simulate", "--listen", "127.0.0.1:0", "--port-file", file}, args...)...)
	if err != nil {
		return nil, "", 0, err
	}
	if err := p.Await(ctx, "endpoint: ", 1); err != nil {
		return nil, "", 0, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, "", 0, err
	}
	endpoint = strings.TrimSpace(string(text))
	addr, err := net.ResolveTCPAddr("tcp", strings.TrimPrefix(endpoint, "http://"))
	if err != nil {
		return nil, "", 0, err
	}
	return p, endpoint, addr.Port, nil
}

// Collector starts the collector with a configuration and waits until it runs.
func Collector(ctx context.Context, binary, dir, config string) (*Process, error) {
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	p, err := Start(ctx, nil, binary, "--config", file)
	if err != nil {
		return nil, err
	}
	return p, p.Await(ctx, "Everything is ready", 1)
}
