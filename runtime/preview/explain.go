package preview

import (
	"context"
	"fmt"
	"strconv"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/errs"
)

// explain applies the chain stage by stage and says what each changed.
func (p *run) explain(ctx context.Context, r *connect.Record, number int) (text []byte, o outcome) {
	text = fmt.Appendf(text, "record %d\n", number)
	before := describe(r)
	for _, f := range before {
		text = fmt.Appendf(text, "    %s  %s\n", f.path, f.text)
	}
	for i, s := range p.chain.Stages() {
		text = fmt.Appendf(text, "%d. %s (%s)", i+1, s.Alias, s.Class)
		selected, err := p.chain.Selects(i, r)
		if err == nil && !selected {
			text = fmt.Appendf(text, ": not applied, %s\n", why(s.Predicate, s.Negate))
			continue
		}
		text = append(text, '\n')
		var next *connect.Record
		if err == nil {
			next, err = p.chain.ApplyStage(ctx, i, r)
		}
		if err != nil {
			return fmt.Appendf(text, "    fails: %s\n", errs.String(err)), outcome{stage: i, err: err}
		}
		if next == nil {
			return append(text, "    drops the record\n"...), outcome{stage: i}
		}
		after := describe(next)
		text = appendDiff(text, before, after)
		r, before = next, after
	}
	return text, outcome{record: r}
}

func why(predicate string, negate bool) string {
	if negate {
		return "predicate " + predicate + " holds and is negated"
	}
	return "predicate " + predicate + " does not hold"
}

// fact is something about a record: a place in it and what is there.
type fact struct{ path, text string }

// describe lists all there is to say about a record.
func describe(r *connect.Record) []fact {
	facts := []fact{{"topic", r.Topic}, {"partition", number(int64(r.Partition), r.Partition != connect.NoPartition)},
		{"timestamp", number(r.Timestamp, r.Timestamp != connect.NoTimestamp)}}
	d := describer{facts}
	d.add("key", r.KeySchema, r.Key, 0)
	d.add("value", r.ValueSchema, r.Value, 0)
	seen := map[string]int{}
	for _, h := range r.Headers {
		path := "header " + h.Key
		if seen[h.Key]++; seen[h.Key] > 1 {
			path += " #" + strconv.Itoa(seen[h.Key])
		}
		d.add(path, h.Schema, h.Value, 0)
	}
	return d.facts
}

func number(n int64, there bool) string {
	if !there {
		return "null"
	}
	return strconv.FormatInt(n, 10)
}

// appendDiff says what is new, gone or other.
func appendDiff(text []byte, before, after []fact) []byte {
	old := map[string]string{}
	for _, f := range before {
		old[f.path] = f.text
	}
	start := len(text)
	for _, f := range after {
		was, ok := old[f.path]
		switch delete(old, f.path); {
		case !ok:
			text = fmt.Appendf(text, "  + %s  %s\n", f.path, f.text)
		case was != f.text:
			text = fmt.Appendf(text, "  ~ %s  %s → %s\n", f.path, was, f.text)
		}
	}
	for _, f := range before {
		if _, ok := old[f.path]; ok {
			text = fmt.Appendf(text, "  - %s  %s\n", f.path, f.text)
		}
	}
	if len(text) == start {
		text = append(text, "    changes nothing\n"...)
	}
	return text
}
