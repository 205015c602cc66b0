package vectors

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Compare says how a result differs from the one Connect gave, or nil. Both are
// the member "result" of a line. Objects are unordered, arrays ordered but for
// those that stand for a map; whole numbers and floats are kept apart, and floats
// are compared by their bits. An error whose text is Java's own is compared by its
// class alone.
func Compare(want, got []byte) error {
	w, err := decode(want)
	if err != nil {
		return fmt.Errorf("the expected result: %w", err)
	}
	g, err := decode(got)
	if err != nil {
		return fmt.Errorf("the result: %w", err)
	}
	if o, ok := w.(map[string]any); ok && o["ok"] == true {
		if r, ok := g.(map[string]any); ok && r["error"] == nil && r["value"] != nil {
			return nil
		}
		return fmt.Errorf("accepted by Connect, but got %.200s", got)
	}
	return compare("result", w, g)
}

func decode(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func compare(path string, want, got any) error {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		switch {
		case !ok:
			return differ(path, want, got)
		case isError(w):
			return compareErrors(path, w, g)
		case w["mapOrder"] == true:
			return compareMapOrder(path, w, g)
		}
		for name, value := range w {
			other, ok := g[name]
			if !ok {
				return fmt.Errorf("%s.%s is missing, expected %s", path, name, text(value))
			}
			if err := compare(path+"."+name, value, other); err != nil {
				return err
			}
		}
		for name, value := range g {
			if _, ok := w[name]; !ok {
				return fmt.Errorf("%s.%s = %s is not expected", path, name, text(value))
			}
		}
		return nil
	case []any:
		g, ok := got.([]any)
		if !ok || len(w) != len(g) {
			return differ(path, want, got)
		}
		err := compareElements(path, w, g)
		if err != nil && arePairs(w) && arePairs(g) {
			return comparePairs(path, w, g)
		}
		return err
	case json.Number:
		if g, ok := got.(json.Number); ok && equalNumbers(w.String(), g.String()) {
			return nil
		}
		return differ(path, want, got)
	}
	if want != got {
		return differ(path, want, got)
	}
	return nil
}

func compareElements(path string, want, got []any) error {
	for i := range want {
		if err := compare(fmt.Sprintf("%s[%d]", path, i), want[i], got[i]); err != nil {
			return err
		}
	}
	return nil
}

// arePairs says whether an array may stand for a map, as keys with their values.
func arePairs(list []any) bool {
	for _, e := range list {
		if pair, ok := e.([]any); !ok || len(pair) != 2 {
			return false
		}
	}
	return true
}

func comparePairs(path string, want, got []any) error {
	left := slices.Clone(got)
next:
	for _, w := range want {
		for i, g := range left {
			if compare(path, w, g) == nil {
				left = slices.Delete(left, i, i+1)
				continue next
			}
		}
		return fmt.Errorf("%s: no entry like %s in %s", path, text(w), text(got))
	}
	return nil
}

func equalNumbers(a, b string) bool {
	if isWhole(a) != isWhole(b) {
		return false
	}
	if isWhole(a) || a == b {
		return a == b
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && math.Float64bits(x) == math.Float64bits(y)
}

func isWhole(s string) bool { return !strings.ContainsAny(s, ".eE") }

func isError(o map[string]any) bool {
	_, class := o["class"].(string)
	_, message := o["message"]
	return class && message
}

func compareErrors(path string, want, got map[string]any) error {
	names := []string{"class"}
	if want["jvmMessage"] != true {
		names = append(names, "message", "causeClass")
	}
	for _, name := range append(names, "stage", "phase", "wrappedBy", "direct") {
		w, ok := want[name]
		if !ok {
			continue
		}
		if err := compare(path+"."+name, w, got[name]); err != nil {
			return err
		}
	}
	return nil
}

// compareMapOrder compares bytes that hold a map, whose order is up to Java.
func compareMapOrder(path string, want, got map[string]any) error {
	w, err := content(want["bytes"])
	if err != nil {
		return fmt.Errorf("%s.bytes: %w", path, err)
	}
	g, err := content(got["bytes"])
	if err != nil {
		return fmt.Errorf("%s.bytes: %w", path, err)
	}
	wv, wErr := decode(w)
	gv, gErr := decode(g)
	if wErr == nil && gErr == nil {
		return compare(path+".bytes", wv, gv)
	}
	// Connect's own text form is not quite JSON: compare the parts.
	if !slices.Equal(parts(w), parts(g)) {
		return fmt.Errorf("%s.bytes = %s, expected %s", path, g, w)
	}
	return nil
}

func content(v any) ([]byte, error) {
	s, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("not a string: %s", text(v))
	}
	return base64.StdEncoding.DecodeString(s)
}

func parts(b []byte) []string {
	p := strings.FieldsFunc(string(b), func(r rune) bool { return strings.ContainsRune("{}[],", r) })
	for i := range p {
		p[i] = strings.TrimSpace(p[i])
	}
	slices.Sort(p)
	return p
}

func differ(path string, want, got any) error {
	return fmt.Errorf("%s = %s, expected %s", path, text(got), text(want))
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(b) > 400 {
		return string(b[:400]) + "…"
	}
	return string(b)
}
