// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is the running collector.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // why it ended, once ended is closed

	mu   sync.Mutex
	tail []string
}

// startCollector runs the collector and passes on its warnings and errors.
func startCollector(binary, config string, env map[string]string, out *printer) (*child, error) {
	// Without a context: it is asked to end, and killed only if it does not.
	cmd := exec.CommandContext(context.Background(), binary, "--config", config)
	cmd.Env = os.Environ()
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	// Ctrl-C goes to us, and we end the collector.
	cmd.SysProcAttr = childAttributes()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the collector: %w", err)
	}
	c := &child{cmd: cmd, ended: make(chan struct{})}
	go func() {
		c.read(stderr, out)
		if c.err = cmd.Wait(); c.err == nil {
			c.err = errors.New("exit status 0")
		}
		close(c.ended)
	}()
	return c, nil
}

// read passes on messages for people and keeps the last lines.
func (c *child) read(r io.Reader, out *printer) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		level, text := readable(lines.Bytes())
		c.mu.Lock()
		c.tail = append(c.tail[max(0, len(c.tail)-9):], "  "+text)
		c.mu.Unlock()
		if level != "info" && level != "debug" || aboutPosition(text) {
			out.line("collector: %s", text)
		}
	}
	_, _ = io.Copy(io.Discard, r) // a line too long must not block the collector
}

// readable extracts the message from a log line. Text in another form, such as a panic, is passed on unchanged,
// without a level.
func readable(line []byte) (level, text string) {
	var entry struct {
		Level string `json:"level"`
		Msg   string `json:"msg"`
		Error string `json:"error"`
	}
	if json.Unmarshal(line, &entry) != nil || entry.Msg == "" {
		return "", string(line)
	}
	if entry.Error != "" {
		entry.Msg += ": " + entry.Error
	}
	return entry.Level, entry.Msg
}

// aboutPosition distinguishes the receiver's own messages about its position from the collector's other lines.
func aboutPosition(text string) bool {
	return strings.HasPrefix(text, "Resuming from") || strings.HasPrefix(text, "No checkpoint") || strings.Contains(text, "works again")
}

func (c *child) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.tail, "\n")
}

// stop ends the collector and waits for it.
func (c *child) stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.ended:
		return nil
	case <-time.After(15 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.ended
		return errors.New("the collector did not end within 15 s and was killed")
	}
}
