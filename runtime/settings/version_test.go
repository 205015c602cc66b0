package settings

import (
	"slices"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
)

func TestVersionsAsMaven(t *testing.T) {
	type record struct {
		Kind, A, B, Spec string
		Order            int
		Text, Error      *string
		Contains         []string
		Versions         []string
	}
	for _, r := range readLines[record](t, "testdata/versions.jsonl") {
		if r.Kind == "compare" {
			if got := compareVersions(r.A, r.B); got != r.Order {
				t.Errorf("%q against %q: %d, want %d", r.A, r.B, got, r.Order)
			}
			continue
		}
		got, err := ParseVersionRequirement(r.Spec, true)
		if r.Error != nil {
			if text, _ := errs.Message(err); err == nil || text != *r.Error || errs.Class(err) != classVersionedPlugin {
				t.Errorf("%q: %v, want %s", r.Spec, err, *r.Error)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", r.Spec, err)
			continue
		}
		if r.Text == nil {
			if got != nil {
				t.Errorf("%q: %s, want any version", r.Spec, got)
			}
			continue
		}
		if got.String() != *r.Text {
			t.Errorf("%q: %s, want %s", r.Spec, got, *r.Text)
		}
		for _, version := range r.Versions {
			if got, want := got.Contains(version), slices.Contains(r.Contains, version); got != want {
				t.Errorf("%q contains %q: %v, want %v", r.Spec, version, got, want)
			}
		}
	}
	if _, err := ParseVersionRequirement(strings.Repeat("1a", maxVersion), true); err == nil {
		t.Error("a version without measure is accepted")
	}
	if got, err := ParseVersionRequirement("", false); got != nil || err != nil {
		t.Errorf("without a requirement: %v, %v", got, err)
	}
}

func FuzzVersions(f *testing.F) {
	f.Add("[1.0,2.0)", "1-rc1", "1.0")
	f.Add("(,1],[2,)", "x1", "-.1")
	f.Fuzz(func(t *testing.T, spec, a, b string) {
		if compareVersions(a, b) != -compareVersions(b, a) {
			t.Errorf("%q and %q have no order", a, b)
		}
		r, err := ParseVersionRequirement(spec, true)
		if err != nil || r == nil || strings.Contains(r.String(), "[,") || strings.Contains(r.String(), ",]") {
			return // the empty version prints as an open bound
		}
		again, err := ParseVersionRequirement(r.String(), true)
		if err != nil {
			return // a bound that is itself like a range
		}
		if again.Contains(a) != r.Contains(a) {
			t.Errorf("%q and its text %q differ on %q", spec, r, a)
		}
	})
}
