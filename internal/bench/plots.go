// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/feishuaudit/feishuauditreceiver/internal/bench/svg"
)

// plots draws the measurements of the other commands.
func (b *bench) plots(context.Context) error {
	if err := os.MkdirAll(b.images, 0o750); err != nil {
		return err
	}
	for name, draw := range map[string]func() (svg.Chart, error){
		"backlog": b.plotBacklog, "entries": b.plotEntries, "payload": b.plotPayload, "tenants-cpu": b.plotTenantsCPU, "tenants-memory": b.plotTenantsMemory,
	} {
		chart, err := draw()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.images, name+".svg"), []byte(chart.Draw()), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) plotBacklog() (svg.Chart, error) {
	c := svg.Chart{Title: "Catching up at 100 calls a minute while entries arrive", X: "minutes", Y: "entries not yet delivered"}
	for _, name := range catchUps {
		var f catchUpFigures
		if err := b.load("catchup-"+name, &f); err != nil {
			return c, err
		}
		line := svg.Line{Name: fmt.Sprintf("%s an answer, %d walks", name, f.Walks)}
		for minute, left := range f.BacklogByMinute {
			line.Points = append(line.Points, svg.Point{X: float64(minute), Y: float64(left)})
		}
		c.Lines = append(c.Lines, line)
	}
	return c, nil
}

// sizes reads the figures whose names have the form key=n.
func (b *bench) sizes(key string) (svg.Line, error) {
	var all []sizeFigures
	line := svg.Line{Dots: true}
	if err := b.load("sizes", &all); err != nil {
		return line, err
	}
	for _, f := range all {
		var n float64
		if _, err := fmt.Sscanf(f.Page, key+"=%g", &n); err == nil {
			line.Points = append(line.Points, svg.Point{X: n, Y: f.Cost})
		}
	}
	slices.SortFunc(line.Points, func(a, b svg.Point) int { return int(a.X - b.X) })
	return line, nil
}

func (b *bench) plotEntries() (svg.Chart, error) {
	line, err := b.sizes("entries")
	return svg.Chart{Title: "Cost of decoding a page of typical entries", X: "entries in the page", Y: "time / time of 100", Lines: []svg.Line{line}}, err
}

func (b *bench) plotPayload() (svg.Chart, error) {
	line, err := b.sizes("payload")
	return svg.Chart{Title: "Cost of decoding a page of 100 entries", X: "bytes of payload an entry", Y: "time / time of the typical page", LogX: true, LogY: true, Lines: []svg.Line{line}}, err
}

func (b *bench) plotTenantsCPU() (svg.Chart, error) {
	return b.plotTenants("CPU of one collector with idle receivers", "% of one core", func(f tenantFigures) float64 { return 100 * f.IdleCPU })
}

func (b *bench) plotTenantsMemory() (svg.Chart, error) {
	return b.plotTenants("Memory of one collector beyond one receiver", "MiB", func(f tenantFigures) float64 { return f.KiB * float64(f.Receivers-1) / 1024 })
}

func (b *bench) plotTenants(title, unit string, of func(tenantFigures) float64) (svg.Chart, error) {
	c := svg.Chart{Title: title, X: "receivers", Y: unit}
	var all []tenantFigures
	if err := b.load("tenants", &all); err != nil {
		return c, err
	}
	line := svg.Line{Dots: true}
	for _, f := range all {
		line.Points = append(line.Points, svg.Point{X: float64(f.Receivers), Y: of(f)})
	}
	c.Lines = []svg.Line{line}
	return c, nil
}
