package configdef

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"testing"

	"github.com/moldau-io/moldau/connect/errs"
)

// testdata/apache.jsonl holds what ConfigDef of Kafka 4.1.1 did, one case a line.

func apacheCases(t *testing.T, name string) []json.RawMessage {
	t.Helper()
	f, err := os.Open("testdata/apache.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []json.RawMessage
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var head struct{ Case string }
		if err := json.Unmarshal(lines.Bytes(), &head); err != nil {
			t.Fatal(err)
		}
		if head.Case == name {
			cases = append(cases, append(json.RawMessage(nil), lines.Bytes()...))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatalf("no cases called %s", name)
	}
	return cases
}

func decode(t *testing.T, raw json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func typeOf(t *testing.T, name string) Type {
	t.Helper()
	for typ := Boolean; typ <= Password; typ++ {
		if typ.String() == name {
			return typ
		}
	}
	t.Fatalf("no type %s", name)
	return 0
}

func optional(text string, ok bool) *string {
	if !ok {
		return nil
	}
	return &text
}

func equalText(a, b *string) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

func show(s *string) string {
	if s == nil {
		return "<null>"
	}
	return *s
}

func errorText(err error) *string {
	if err == nil {
		return nil
	}
	m, ok := errs.Message(err)
	return optional(m, ok)
}

func TestParseAsApache(t *testing.T) {
	for _, raw := range apacheCases(t, "parse") {
		var c struct {
			Type, Value   string
			Result, Error *string
			Size          *int
		}
		decode(t, raw, &c)
		typ := typeOf(t, c.Type)
		value, err := ParseType("some.key", c.Value, typ)
		if got := errorText(err); !equalText(got, c.Error) {
			t.Errorf("%s %q: error %s, want %s", c.Type, c.Value, show(got), show(c.Error))
			continue
		}
		if got := optional(ConvertToString(value, typ)); err == nil && !equalText(got, c.Result) {
			t.Errorf("%s %q: %s, want %s", c.Type, c.Value, show(got), show(c.Result))
		}
		if list, ok := value.([]string); ok && len(list) != *c.Size {
			t.Errorf("%s %q: %d entries, want %d", c.Type, c.Value, len(list), *c.Size)
		}
	}
}

func TestParseTypedAsApache(t *testing.T) {
	values := map[string]any{
		"Integer": int32(5), "Long": int64(5), "Short": int16(5), "Double": 1.5, "Boolean": true,
		"ArrayList": []string{"a"}, "Password": Secret("p"),
	}
	for _, raw := range apacheCases(t, "typed") {
		var c struct {
			Type, Java    string
			Result, Error *string
		}
		decode(t, raw, &c)
		typ := typeOf(t, c.Type)
		value, err := ParseType("k", values[c.Java], typ)
		if c.Error != nil && err == nil && (typ == Int || typ == Short || typ == Long) {
			continue // any Go integer that fits is taken
		}
		if got := errorText(err); !equalText(got, c.Error) {
			t.Errorf("%s from %s: error %s, want %s", c.Type, c.Java, show(got), show(c.Error))
			continue
		}
		if got := optional(ConvertToString(value, typ)); err == nil && !equalText(got, c.Result) {
			t.Errorf("%s from %s: %s, want %s", c.Type, c.Java, show(got), show(c.Result))
		}
	}
}

func TestValidatorsAsApache(t *testing.T) {
	validators := map[string]Validator{
		"atLeast0": AtLeast(0), "atLeast1": AtLeast(1), "between1-10": Between(1, 10), "between0L-5L": Between(int64(0), 5),
		"atLeast0.5": AtLeast(0.5), "between0-1e9": Between(0.0, 1e9),
		"validString":      ValidString("a", "b"),
		"caseInsensitive":  CaseInsensitiveValidString("a", "b"),
		"caseInsensitive2": CaseInsensitiveValidString("poll", "connector", "interval"),
		"caseInsensitive3": CaseInsensitiveValidString("none", "all", "one", "two", "three", "four", "five", "six",
			"seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen"),
		"nonNull": NonNull(), "nonEmptyString": NonEmptyString(), "nonEmptyNoControl": NonEmptyStringWithoutControlChars(),
		"validList": ValidList("a", "b"), "listSize2": ListSize(2), "nonEmptyList": NonEmptyList(),
		"composite": CompositeValidator(NonNull(), ValidString("a", "b"), NonEmptyString()),
	}
	seen := map[string]bool{}
	for _, raw := range apacheCases(t, "validator") {
		var c struct {
			Validator, Text, Type string
			Value, Error, Class   *string
		}
		decode(t, raw, &c)
		seen[c.Validator] = true
		v := validators[c.Validator]
		if v == nil {
			t.Errorf("no validator %s", c.Validator)
			continue
		}
		if got := v.String(); got != c.Text {
			t.Errorf("%s: text %q, want %q", c.Validator, got, c.Text)
		}
		var value any
		if c.Value != nil {
			var err error
			if value, err = ParseType("k", *c.Value, typeOf(t, c.Type)); err != nil {
				t.Fatal(err)
			}
			if typ := typeOf(t, c.Type); typ == String {
				value = *c.Value // untrimmed
			}
			if f, ok := value.(float64); ok && math.IsNaN(f) {
				value = math.NaN()
			}
		}
		if list, ok := value.([]string); ok && *c.Value == "" && c.Validator != "nonEmptyList" && c.Class != nil {
			value = append(list, "") // a list of one empty string has the text of an empty list
		}
		if list, ok := value.([]string); ok && c.Validator == "nonEmptyList" && c.Class == nil && len(list) == 0 {
			value = append(list, "")
		}
		err := v.Validate("k", value)
		if got := errorText(err); c.Class == nil && err != nil {
			t.Errorf("%s: %v: error %s, want none", c.Validator, value, show(got))
		} else if c.Class != nil && (err == nil || errs.Class(err) != *c.Class) {
			t.Errorf("%s: %v: error %v, want a %s", c.Validator, value, err, *c.Class)
		} else if c.Error != nil && !equalText(got, c.Error) {
			t.Errorf("%s: %v: error %s, want %s", c.Validator, value, show(got), show(c.Error))
		}
	}
	for name := range validators {
		if !seen[name] {
			t.Errorf("no cases for %s", name)
		}
	}
}

type recommender struct {
	values  func(parsed map[string]any) []any
	visible func(parsed map[string]any) bool
}

func (r recommender) ValidValues(_ string, parsed map[string]any) []any { return r.values(parsed) }
func (r recommender) Visible(_ string, parsed map[string]any) bool      { return r.visible(parsed) }

func apacheDef() *Def {
	child := New(
		Optional("z", Int, 1, Low, "z doc").WithValidator(AtLeast(0)).WithGroup("gc", 2, WidthShort, "Z").WithDependents("y"),
		Required("y", String, High, "y doc").WithGroup("gc", 1, WidthLong, "Y"),
		Optional("x", List, "p,q", Medium, "x doc"),
		Optional("w", Password, nil, High, "w doc"),
	)
	d := New(
		Optional("b", Int, 5, Low, "b").WithValidator(Between(1, 9)).WithGroup("g2", 1, WidthShort, "B").WithDependents("c", "gone"),
		Required("a", String, High, "a").WithGroup("g1", 3, WidthShort, "A").WithDependents("c").WithRecommender(recommender{
			func(p map[string]any) []any { return []any{"one", "two", javaText(p["b"])} },
			func(p map[string]any) bool { return p["c"] != nil },
		}),
		Optional("c", Short, nil, Low, "c").WithGroup("g1", 1, WidthNone, "C").WithRecommender(recommender{
			func(map[string]any) []any { return []any{int16(1), int16(2)} },
			func(p map[string]any) bool { return p["a"] != "hide" },
		}),
		Optional("d", Double, 0.5, Medium, "d"),
		Required("e", Boolean, Medium, "e"),
		Optional("f", Password, "s3cret", Medium, "f"),
	)
	d.Embed("emb.", "Em", 7, child)
	return d
}

func TestDefinitionAsApache(t *testing.T) {
	type row struct {
		Name, Width, Display, Importance, Type string
		Group, Default, Validator              *string
		Order                                  int
		Dependents                             []string
		Required                               bool
	}
	var c struct {
		Keys           []row
		Groups, Sorted []string
	}
	decode(t, apacheCases(t, "def")[0], &c)
	d := apacheDef()
	for i, k := range d.Keys() {
		got := row{
			Name: k.Name, Width: k.Width.String(), Display: k.DisplayName, Importance: k.Importance.String(), Type: k.Type.String(),
			Group: optional(k.Group, k.Group != ""), Order: k.OrderInGroup, Dependents: append([]string{}, k.Dependents...), Required: !k.HasDefault,
		}
		got.Default = optional(ConvertToString(k.Default, k.Type))
		if k.Validator != nil {
			text := k.Validator.String()
			got.Validator = &text
		}
		if !reflect.DeepEqual(got, c.Keys[i]) {
			t.Errorf("key %d: %+v, want %+v", i, got, c.Keys[i])
		}
	}
	if len(d.Keys()) != len(c.Keys) {
		t.Errorf("%d keys, want %d", len(d.Keys()), len(c.Keys))
	}
	if got := d.Groups(); !reflect.DeepEqual(got, c.Groups) {
		t.Errorf("groups %q, want %q", got, c.Groups)
	}
	var sorted []string
	for _, k := range d.SortedKeys() {
		sorted = append(sorted, k.Name)
	}
	if !reflect.DeepEqual(sorted, c.Sorted) {
		t.Errorf("sorted %q, want %q", sorted, c.Sorted)
	}
}

func TestValidateAsApache(t *testing.T) {
	type result struct {
		Value       *string
		Recommended []string
		Errors      []string
		Visible     bool
	}
	d := apacheDef()
	for _, raw := range apacheCases(t, "validate") {
		var c struct {
			Props  map[string]string
			Result map[string]result
			Parse  *string
		}
		decode(t, raw, &c)
		got := map[string]result{}
		for _, v := range d.Validate(c.Props) {
			k, _ := d.Key(v.Name)
			r := result{Value: optional(ConvertToString(v.Value, k.Type)), Errors: v.Errors, Visible: v.Visible, Recommended: []string{}}
			for _, value := range v.RecommendedValues {
				r.Recommended = append(r.Recommended, javaText(value))
			}
			got[v.Name] = r
		}
		for name, want := range c.Result {
			if !reflect.DeepEqual(got[name], want) {
				g, _ := json.Marshal(got[name])
				w, _ := json.Marshal(want)
				t.Errorf("%v: %s: %s, want %s", c.Props, name, g, w)
			}
		}
		if len(got) != len(c.Result) {
			t.Errorf("%v: %d values, want %d", c.Props, len(got), len(c.Result))
		}
		if _, err := d.Parse(c.Props); !equalText(errorText(err), c.Parse) {
			t.Errorf("%v: parse: %v, want %s", c.Props, err, show(c.Parse))
		}
	}
}

func TestParseAllAsApache(t *testing.T) {
	d := New(
		Optional("n", Int, 5, Low, "n").WithValidator(Between(1, 9)),
		Required("s", String, High, "s"),
		Optional("l", List, "a, b", High, "l"),
	)
	for _, raw := range apacheCases(t, "parseAll") {
		var c struct {
			Props, Result map[string]string
			Parse         *string
		}
		decode(t, raw, &c)
		cfg, err := d.Parse(c.Props)
		if !equalText(errorText(err), c.Parse) {
			t.Errorf("%v: %v, want %s", c.Props, err, show(c.Parse))
			continue
		}
		if err != nil {
			continue
		}
		got := map[string]string{}
		for name, value := range cfg.Values() {
			k, _ := d.Key(name)
			got[name], _ = ConvertToString(value, k.Type)
		}
		if !reflect.DeepEqual(got, c.Result) {
			t.Errorf("%v: %v, want %v", c.Props, got, c.Result)
		}
	}
}
