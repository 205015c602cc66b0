package doctor

import (
	"fmt"
	"io"
)

// Printer prints findings as they are made and counts them.
type Printer struct {
	Out io.Writer
	// Color is whether levels are coloured.
	Color bool
	// Quiet leaves out what is as it should be.
	Quiet bool

	part             string
	Problems, Warned int
}

var colors = map[Level]string{OK: "32", Note: "36", Warning: "33", Problem: "31"}

// Count counts a finding without printing it.
func (p *Printer) Count(f Finding) {
	switch f.Level {
	case Problem:
		p.Problems++
	case Warning:
		p.Warned++
	}
}

// Print prints one finding, below a heading for its part.
func (p *Printer) Print(f Finding) {
	p.Count(f)
	if p.Quiet && f.Level == OK {
		return
	}
	if f.Part != p.part {
		fmt.Fprintln(p.Out, f.Part)
		p.part = f.Part
	}
	level := fmt.Sprintf("%-5s", f.Level)
	if p.Color {
		level = "\x1b[" + colors[f.Level] + "m" + level + "\x1b[0m"
	}
	fmt.Fprintf(p.Out, "  %s %s\n", level, f.Text)
	if f.Cure != "" {
		fmt.Fprintf(p.Out, "        → %s\n", f.Cure)
	}
}

// Sum prints the counts.
func (p *Printer) Sum() {
	switch {
	case p.Problems == 0 && p.Warned == 0:
		fmt.Fprintln(p.Out, "\nno problems")
	default:
		fmt.Fprintf(p.Out, "\n%s, %s\n", plural(p.Problems, "problem", "problems"), plural(p.Warned, "warning", "warnings"))
	}
}
