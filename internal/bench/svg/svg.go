// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package svg draws line charts.
package svg

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// Chart is a line chart. The axes begin at zero unless they are logarithmic;
// points of a logarithmic axis must be positive.
type Chart struct {
	Title, X, Y string
	LogX, LogY  bool
	Lines       []Line
}

// Line is a series of points. With Dots each point is marked.
type Line struct {
	Name   string
	Points []Point
	Dots   bool
}

// Point is one of a Line.
type Point struct{ X, Y float64 }

const (
	width, height            = 720, 400
	left, right, top, bottom = 84, 24, 44, 56
)

var colours = []string{"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e"}

// Draw returns the chart as an SVG document. Equal charts give equal documents.
func (c Chart) Draw() string {
	var xs, ys []float64
	for _, line := range c.Lines {
		for _, p := range line.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	x, y := newAxis(xs, c.LogX), newAxis(ys, c.LogY)
	px := func(v float64) float64 { return left + x.place(v)*(width-left-right) }
	py := func(v float64) float64 { return height - bottom - y.place(v)*(height-top-bottom) }

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	text := func(x, y float64, anchor, extra, s string) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>`+"\n", x, y, anchor, extra, html.EscapeString(s))
	}
	text(width/2, 20, "middle", ` font-size="15"`, c.Title)
	text((left+width-right)/2, height-12, "middle", "", c.X)
	text(16, (top+height-bottom)/2, "middle", fmt.Sprintf(` transform="rotate(-90 16 %d)"`, (top+height-bottom)/2), c.Y)
	for _, tick := range x.ticks {
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#ddd"/>`+"\n", px(tick), px(tick), top, height-bottom)
		text(px(tick), height-bottom+18, "middle", "", label(tick))
	}
	for _, tick := range y.ticks {
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/>`+"\n", left, width-right, py(tick), py(tick))
		text(left-8, py(tick)+4, "end", "", label(tick))
	}
	for i, line := range c.Lines {
		colour := colours[i%len(colours)]
		var points []string
		for _, p := range line.Points {
			points = append(points, fmt.Sprintf("%.1f,%.1f", px(p.X), py(p.Y)))
			if line.Dots {
				fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", px(p.X), py(p.Y), colour)
			}
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colour)
		if len(c.Lines) > 1 {
			text(width-right-8, top+18+float64(i)*18, "end", fmt.Sprintf(` fill="%s"`, colour), line.Name)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// axis maps values to 0..1.
type axis struct {
	low, high float64
	log       bool
	ticks     []float64
}

func newAxis(values []float64, log bool) axis {
	a := axis{log: log, low: math.Inf(1), high: math.Inf(-1)}
	for _, v := range values {
		a.low, a.high = min(a.low, v), max(a.high, v)
	}
	if log {
		for tick := math.Pow(10, math.Floor(math.Log10(a.low))); ; tick *= 10 {
			a.ticks = append(a.ticks, tick)
			if tick >= a.high {
				break
			}
		}
		a.low, a.high = a.ticks[0], a.ticks[len(a.ticks)-1]
		return a
	}
	a.low = 0
	if a.high <= 0 {
		a.high = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(a.high)))
	for a.high/step < 4 {
		step /= 2
	}
	if a.high/step > 6 {
		step *= 2
	}
	a.high = math.Ceil(a.high/step) * step
	for i := 0; float64(i)*step <= a.high*1.0001; i++ {
		a.ticks = append(a.ticks, float64(i)*step)
	}
	return a
}

func (a axis) place(v float64) float64 {
	if a.log {
		return math.Log(v/a.low) / math.Log(a.high/a.low)
	}
	return (v - a.low) / (a.high - a.low)
}

func label(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 4, 64) + "M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 4, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
