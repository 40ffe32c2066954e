// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
)

// seen knows which records have arrived, in this run and in earlier ones, so that
// the demo can show that none comes twice.
type seen struct {
	ids  map[string]bool
	file *os.File
}

func openSeen(path string) (*seen, error) {
	s := &seen{ids: map[string]bool{}}
	old, err := os.Open(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		lines := bufio.NewScanner(old)
		for lines.Scan() {
			s.ids[lines.Text()] = true
		}
		old.Close()
		if err := lines.Err(); err != nil {
			return nil, err
		}
	}
	s.file, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	return s, err
}

// add tells whether the record is new.
func (s *seen) add(id string) (bool, error) {
	if s.ids[id] {
		return false, nil
	}
	s.ids[id] = true
	_, err := fmt.Fprintln(s.file, id)
	return true, err
}

func (s *seen) Close() error { return s.file.Close() }

// readBody undoes the exporter's compression.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limited := http.MaxBytesReader(w, r.Body, maxExport)
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(limited)
	}
	plain, err := gzip.NewReader(limited)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(plain, maxExport))
}
