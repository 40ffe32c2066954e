// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package svg

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDraw(t *testing.T) {
	c := Chart{Title: "a < b", X: "x", Y: "y", Lines: []Line{
		{Name: "one", Points: []Point{{0, 0}, {50, 1_000_000}}}, {Name: "two", Points: []Point{{10, 3}}, Dots: true},
	}}
	text := c.Draw()
	require.Equal(t, text, c.Draw())
	require.Contains(t, text, "a &lt; b")
	require.Contains(t, text, ">1M<")
	require.Contains(t, text, `points="84.0,344.0 `, "the origin lies in the corner")
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
}

func TestAxis(t *testing.T) {
	linear := newAxis([]float64{3, 97}, false)
	require.Equal(t, []float64{0, 20, 40, 60, 80, 100}, linear.ticks)
	require.InDelta(t, 0.5, linear.place(50), 1e-9)
	log := newAxis([]float64{1, 1000}, true)
	require.Equal(t, []float64{1, 10, 100, 1000}, log.ticks)
	require.InDelta(t, 1.0/3, log.place(10), 1e-9)
	require.Equal(t, []float64{0, 0.25, 0.5, 0.75, 1}, newAxis(nil, false).ticks)
}
