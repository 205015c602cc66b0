package configdef

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

func testDef() *Def {
	return New(
		Optional("bool", Boolean, true, Low, ""),
		Optional("string", String, "s", Low, ""),
		Optional("int", Int, 1, Low, ""),
		Optional("short", Short, 2, Low, ""),
		Optional("long", Long, 3, Low, ""),
		Optional("double", Double, 4, Low, ""),
		Optional("list", List, []string{"a"}, Low, ""),
		Optional("class", Class, "x.Y", Low, ""),
		Optional("password", Password, "hunter2", Low, ""),
		Optional("null", String, nil, Low, ""),
	)
}

func TestGetters(t *testing.T) {
	cfg, err := testDef().Parse(map[string]string{"int": " 7 ", "extra": "e", "p.a": "1", "p.": "2", "p.b": "3", "class": " z.Z "})
	if err != nil {
		t.Fatal(err)
	}
	if got := []any{
		cfg.Bool("bool"), cfg.String("string"), cfg.Int("int"), cfg.Short("short"), cfg.Long("long"), cfg.Double("double"),
		cfg.List("list"), cfg.Class("class"), cfg.Password("password").Value(), cfg.String("null"), cfg.IsNull("null"), cfg.IsNull("string"),
	}; !reflect.DeepEqual(got, []any{
		true, "s", int32(7), int16(2), int64(3), 4.0, []string{"a"}, "z.Z", "hunter2", "", true, false,
	}) {
		t.Errorf("got %v", got)
	}
	if _, ok := cfg.StringOK("null"); ok {
		t.Error("null is not null")
	}
	if got := cfg.Unused(); !reflect.DeepEqual(got, []string{"extra", "p.", "p.a", "p.b"}) {
		t.Errorf("unused %q", got)
	}
	if got := cfg.OriginalsWithPrefix("p."); !reflect.DeepEqual(got, map[string]string{"a": "1", "b": "3"}) {
		t.Errorf("with prefix %v", got)
	}
	if got := cfg.Unused(); !reflect.DeepEqual(got, []string{"extra", "p."}) {
		t.Errorf("unused after that %q", got)
	}
	cfg.List("list")[0] = "changed"
	if got := cfg.List("list"); got[0] != "a" {
		t.Errorf("a caller changed the list to %q", got)
	}
}

func TestWrongGettersPanic(t *testing.T) {
	cfg, err := testDef().Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(){
		"unknown":           func() { cfg.String("nope") },
		"int as long":       func() { cfg.Long("int") },
		"class as string":   func() { cfg.String("class") },
		"password as text":  func() { cfg.String("password") },
		"null of wrong one": func() { cfg.Int("null") },
		"defined twice":     func() { New(Required("a", Int, Low, ""), Required("a", Int, Low, "")) },
		"bad default":       func() { New(Optional("a", Int, "x", Low, "")) },
		"refused default":   func() { New(Optional("a", Int, 0, Low, "").WithValidator(AtLeast(1))) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}

func TestSecretNeverShows(t *testing.T) {
	const secret = "hunter2"
	type holder struct{ P Secret }
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, nil))
	log.Info("x", "p", Secret(secret), "h", holder{secret}, "m", map[string]any{"p": Secret(secret)})
	fmt.Fprintf(&b, "%v %s %q %x %d %+v %#v %T %v", Secret(secret), Secret(secret), Secret(secret), Secret(secret), Secret(secret),
		holder{secret}, holder{secret}, Secret(secret), []any{Secret(secret)})
	j, err := json.Marshal(map[string]any{"p": []any{Secret(secret), holder{secret}}})
	if err != nil {
		t.Fatal(err)
	}
	b.Write(j)
	cfg, err := testDef().Parse(map[string]string{"password": secret})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := ConvertToString(cfg.Password("password"), Password)
	b.WriteString(text)
	_, err = New(Required("p", Password, Low, "").WithValidator(ValidString("x"))).Parse(map[string]string{"p": secret})
	if err == nil {
		t.Error("a validator of strings accepts a password")
	} else {
		b.WriteString(err.Error())
	}
	err = Invalid("p", Secret(secret), "no")
	b.WriteString(err.Error())
	for _, leak := range []string{secret, fmt.Sprintf("%x", secret)} {
		if strings.Contains(b.String(), leak) {
			t.Errorf("the secret shows in %s", b.String())
		}
	}
	if Secret(secret).Value() != secret {
		t.Error("Value does not give it")
	}
}

func TestResolver(t *testing.T) {
	d := New(
		Optional("c", Class, nil, Low, "").WithValidator(LambdaValidator(func(name string, value any) error {
			if value == "full.Wrong" {
				return Invalid(name, value, "wrong")
			}
			return nil
		}, "")),
		Optional("d", Class, "left.Alone", Low, ""),
	).WithResolver(func(setting, name string) (string, bool) {
		full, ok := map[string]string{"Right": "full.Right", "Wrong": "full.Wrong"}[name]
		return full, ok && setting == "c"
	})
	for _, c := range []struct {
		given string
		value any
		errs  []string
	}{
		{" Right", "full.Right", []string{}},
		{"Wrong", "full.Wrong", []string{"Invalid value full.Wrong for configuration c: wrong"}},
		{" Nope ", nil, []string{"Invalid value  Nope  for configuration c: Class  Nope  could not be found."}},
	} {
		got := d.ValidateAll(map[string]string{"c": c.given})
		if v := got["c"]; v.Value != c.value || !reflect.DeepEqual(v.Errors, c.errs) {
			t.Errorf("%q: %v %q", c.given, v.Value, v.Errors)
		}
		if got["d"].Value != "left.Alone" {
			t.Errorf("default resolved to %v", got["d"].Value)
		}
	}
}

func TestValidateNullable(t *testing.T) {
	d := New(
		Optional("n", Int, 5, Low, "").WithValidator(AtLeast(1)),
		Optional("s", String, "x", Low, ""),
		Required("r", String, Low, ""),
	)
	one := "1"
	got := d.ValidateNullable(map[string]*string{"n": nil, "s": nil, "r": nil})
	if e := got["n"].Errors; !reflect.DeepEqual(e, []string{"Invalid value null for configuration n: Value must be non-null"}) {
		t.Errorf("n: %q", e)
	}
	if v := got["s"]; v.Value != nil || len(v.Errors) > 0 {
		t.Errorf("s: %v %q", v.Value, v.Errors)
	}
	if e := got["r"].Errors; len(e) > 0 {
		t.Errorf("r: %q", e)
	}
	if v := d.ValidateNullable(map[string]*string{"n": &one})["n"]; v.Value != int32(1) {
		t.Errorf("n: %v", v.Value)
	}
}

func TestDependentCycleEnds(t *testing.T) {
	d := New(
		Required("top", String, Low, "").WithDependents("a"),
		Required("a", String, Low, "").WithDependents("b"),
		Required("b", String, Low, "").WithDependents("a"),
	)
	if got := d.Validate(nil); len(got) != 3 || len(got[1].Errors) != 1 || len(got[2].Errors) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestCloneIsIndependent(t *testing.T) {
	d := New(Required("a", String, Low, ""))
	d.Clone().Define(Required("b", String, Low, "").WithDependents("a"))
	if got := d.Names(); !reflect.DeepEqual(got, []string{"a"}) {
		t.Errorf("names %q", got)
	}
	if got := d.Validate(nil); len(got) != 1 || len(got[0].Errors) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestMaskedTypesInErrors(t *testing.T) {
	_, err := ParseType("p", Secret("hunter2"), Int)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", " 1 ", "a,b", "0x1p3d", "true", "1e999", "\u0661", "Infinity", ",,"} {
		f.Add(s, uint8(Int))
	}
	f.Fuzz(func(t *testing.T, s string, typ uint8) {
		want := Type(typ % uint8(Password+1))
		value, err := ParseType("k", s, want)
		if err != nil {
			if value != nil {
				t.Errorf("%q: both %v and %v", s, value, err)
			}
			return
		}
		// What is written parses to itself, but for what Java too loses: a list's
		// entries with blanks around them, and a secret.
		text, ok := ConvertToString(value, want)
		if !ok {
			t.Fatalf("%q is null", s)
		}
		if want == Password || want == List {
			return
		}
		again, err := ParseType("k", text, want)
		if err != nil {
			t.Fatalf("%q: %q does not parse: %v", s, text, err)
		}
		if f, ok := value.(float64); ok && f != f {
			return
		}
		if !reflect.DeepEqual(value, again) {
			t.Errorf("%q: %v, again %v", s, value, again)
		}
	})
}
