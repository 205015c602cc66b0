package chain

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/moldau-io/moldau/connect"
	"github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
	"github.com/moldau-io/moldau/connect/schema"
	"github.com/moldau-io/moldau/plugins"
)

// marker appends its mark to the topic, or does as its mark says.
type marker struct {
	mark   string
	closed *[]string
}

func (m *marker) ConfigDef() *configdef.Def { return configdef.New() }

func (m *marker) Configure(props map[string]string) error {
	m.mark = props["mark"]
	if props["predicate"] != "" || props["negate"] != "" {
		return errors.New("the predicate is not the transform's business")
	}
	switch m.mark {
	case "refuse":
		return errs.Config("refused")
	case "explode":
		panic("boom")
	}
	return nil
}

func (m *marker) Apply(_ context.Context, r *connect.Record) (*connect.Record, error) {
	switch m.mark {
	case "drop":
		return nil, nil
	case "fail":
		return nil, errs.Data("failed")
	case "panic":
		panic("boom")
	case "error":
		panic(errors.New("boom"))
	}
	c := r.Copy()
	c.Topic += m.mark
	return c, nil
}

func (m *marker) Close() error {
	*m.closed = append(*m.closed, m.mark)
	if m.mark == "stuck" {
		return errors.New("stuck")
	}
	return nil
}

// hasValue holds for records with a value.
type hasValue struct{ marker }

func (p *hasValue) Test(r *connect.Record) (bool, error) {
	switch p.mark {
	case "fail":
		return false, errs.Data("cannot tell")
	case "panic":
		panic("boom")
	}
	return !r.Value.IsNull(), nil
}

func registry(closed *[]string) *plugins.Registry {
	return plugins.New(
		plugins.Plugin{Kind: plugins.Transformation, Class: "x.Marker", Version: "1.2", New: func() connect.Configured { return &marker{closed: closed} }},
		plugins.Plugin{Kind: plugins.Predicate, Class: "x.HasValue", Version: "1.3", New: func() connect.Configured { return &hasValue{marker{closed: closed}} }},
	)
}

func props(text string) map[string]string {
	m := map[string]string{}
	for _, pair := range strings.Split(text, ";") {
		k, v, _ := strings.Cut(pair, "=")
		m[strings.ReplaceAll(strings.ReplaceAll(k, "t:", "transforms."), "p:", "predicates.")] = v
	}
	return m
}

func TestApply(t *testing.T) {
	two := "transforms=a,b;t:a.type=Marker;t:a.mark=1;t:b.type=x.Marker;t:b.mark="
	for _, c := range []struct {
		props string
		value schema.Value
		want  string
	}{
		{two + "2", schema.Value{}, "t12 at 0"},
		{two + "drop", schema.Value{}, "dropped at 1"},
		{two + "fail", schema.Value{}, "failed at 1"},
		{two + "panic", schema.Value{}, "panic in transform b (x.Marker): boom at 1"},
		{two + "error", schema.Value{}, "panic in transform b (x.Marker): boom at 1"},
		{two + "2;t:b.predicate=v;predicates=v;p:v.type=HasValue", schema.Value{}, "t1 at 0"},
		{two + "2;t:b.predicate=v;predicates=v;p:v.type=HasValue", schema.OfInt64(1), "t12 at 0"},
		{two + "2;t:b.predicate=v;t:b.negate=True;predicates=v;p:v.type=HasValue", schema.Value{}, "t12 at 0"},
		{two + "2;t:b.predicate=v;predicates=v;p:v.type=HasValue;p:v.mark=fail", schema.Value{}, "cannot tell at 1"},
		{two + "2;t:b.predicate=v;predicates=v;p:v.type=HasValue;p:v.mark=panic", schema.Value{}, "panic in predicate v (x.HasValue): boom at 1"},
		{"", schema.Value{}, "t at 0"},
	} {
		var closed []string
		chain, err := Build(props(c.props), registry(&closed))
		if err != nil {
			t.Fatalf("%s: %v", c.props, err)
		}
		in := &connect.Record{Topic: "t", Value: c.value}
		out, stage, err := chain.Apply(context.Background(), in)
		got := "dropped"
		switch {
		case err != nil:
			got, _ = errs.Message(err)
		case out != nil:
			got = out.Topic
		}
		if got += " at " + string(rune('0'+stage)); got != c.want {
			t.Errorf("%s: %s, want %s", c.props, got, c.want)
		}
		if err := chain.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestStages(t *testing.T) {
	var closed []string
	c, err := Build(props("transforms=a;t:a.type=Marker;t:a.mark=1;t:a.predicate=v;t:a.negate=true;predicates=v;p:v.type=HasValue;p:v.mark=stuck"), registry(&closed))
	if err != nil {
		t.Fatal(err)
	}
	s := c.Stages()[0]
	s.transform, s.predicate = nil, nil
	if want := (Stage{Alias: "a", Class: "x.Marker", Version: "1.2", Predicate: "v", PredicateClass: "x.HasValue", PredicateVersion: "1.3", Negate: true}); s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	if c.Len() != 1 || c.Class(0) != "x.Marker" {
		t.Errorf("%d stages", c.Len())
	}
	if selected, err := c.Selects(0, &connect.Record{}); !selected || err != nil {
		t.Errorf("selects %v %v", selected, err)
	}
	if out, err := c.ApplyStage(context.Background(), 0, &connect.Record{Topic: "t"}); err != nil || out.Topic != "t1" {
		t.Errorf("%v %v", out, err)
	}
	if err := c.Close(); err == nil || err.Error() != "closing predicate v: stuck" || len(closed) != 2 {
		t.Errorf("closed %v with %v", closed, err)
	}
}

// What fails is a ConnectException around the plugin's error, and what was made
// before it is closed.
func TestBuildErrors(t *testing.T) {
	const connectException = "org.apache.kafka.connect.errors.ConnectException: "
	const configException = "org.apache.kafka.common.config.ConfigException: "
	for text, want := range map[string]string{
		"transforms=a,b;t:a.type=Marker;t:a.mark=1;t:b.type=Marker;t:b.mark=refuse": configException + "refused",
		"transforms=a,b;t:a.type=Marker;t:a.mark=1;t:b.type=Nope": connectException + configException +
			"Invalid value Nope for configuration transforms.b.type: Class Nope could not be found.",
		"transforms=a,b;t:a.type=Marker;t:a.mark=1;t:b.type=Marker;t:b.predicate=v;p:v.type=HasValue": connectException + configException +
			"Unknown configuration 'predicates.v.plugin.version'",
		"transforms=a,b;t:a.type=Marker;t:a.mark=1;t:b.type=Marker;t:b.predicate=v;predicates=v;p:v.type=HasValue;p:v.mark=refuse": configException + "refused",
		"transforms=a,b;t:a.type=Marker;t:a.mark=1;t:b.type=Marker;t:b.mark=explode":                                               connectException + "panic in configuring transform b (x.Marker): boom",
	} {
		var closed []string
		c, err := Build(props(text), registry(&closed))
		if c != nil || errs.Class(err) != errs.ClassConnect {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, _ := errs.Message(err); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if len(closed) == 0 || closed[0] != "1" {
			t.Errorf("%s: closed %v", text, closed)
		}
	}
}
