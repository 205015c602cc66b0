package logging

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"
)

func TestSetReturnsWhatChanged(t *testing.T) {
	l := New("INFO")
	steps := []struct {
		name, level string
		want        []string
	}{
		{"a.p.child1", "INFO", []string{}},
		{"a.p.child2", "INFO", []string{}},
		{"a.p", "TRACE", []string{"a.p", "a.p.child1", "a.p.child2"}},
		{"a.p", "TRACE", []string{}},
		{"a.x", "OFF", []string{"a.x"}},
		{"a.x", "OFF", []string{"a.x"}},
	}
	for _, s := range steps {
		if got := l.Set(s.name, s.level); !slices.Equal(got, s.want) {
			t.Errorf("Set(%s, %s) = %v, want %v", s.name, s.level, got, s.want)
		}
	}
	if got, ok := l.Get("a.p.child1"); !ok || got.Name != "TRACE" || got.Modified.IsZero() {
		t.Errorf("child1 = %v %v", got, ok)
	}
	if got, ok := l.Get("root"); !ok || got.Name != "INFO" || !got.Modified.IsZero() {
		t.Errorf("root = %v %v", got, ok)
	}
	if _, ok := l.Get("nobody"); ok {
		t.Error("an unknown logger has a level")
	}
	if _, ok := l.All()["a.x"]; ok {
		t.Error("a logger that is off is listed")
	}
}

func TestLevelsTakeEffectAtOnce(t *testing.T) {
	var out bytes.Buffer
	l := New("WARN")
	log := l.Logger(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.Level(-100)}), "a.b").With("k", "v")
	log.Info("one")
	l.Set("a", "DEBUG")
	log.Info("two")
	l.Set("root", "ERROR")
	log.Warn("three")
	if s := out.String(); bytes.Contains([]byte(s), []byte("one")) || !bytes.Contains([]byte(s), []byte("two")) || bytes.Contains([]byte(s), []byte("three")) {
		t.Errorf("logged %q", s)
	}
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{"info": "INFO", " Warn ": "WARN", "ALL": "ALL", "LOUD": ""} {
		got, ok := Canonical(in)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("Canonical(%q) = %q, want %q", in, got, want)
		}
	}
}
