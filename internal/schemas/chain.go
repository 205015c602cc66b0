package schemas

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/moldau-io/moldau/converters/registry"
	"github.com/moldau-io/moldau/runtime/preview"
)

// Chain is a source connector whose records bring schemas.
type Chain struct {
	Engine   *preview.Engine
	Settings Settings
	// Config is the connector's configuration.
	Config map[string]string
	// Topic is that of records which name none.
	Topic string
}

// Outcome is what became of a connector's records.
type Outcome struct {
	preview.Summary
	Verdicts []Verdict
}

// sides are those of a record, with the setting of their converters.
var sides = []string{"value.converter.", "key.converter."}

// ErrNoRegistry says that a connector's converters need no registry.
var ErrNoRegistry = errors.New("no converter of this connector keeps schemas in a registry; nothing would be registered")

// Check puts records through the connector's transforms and converters, with an empty
// registry in memory, and asks the real one about each schema that comes to be registered
// there. What fails is written to failures, a line of preview's each.
func (c Chain) Check(ctx context.Context, in io.Reader, failures io.Writer) (Outcome, error) {
	config := maps.Clone(c.Config)
	for _, side := range sides { // else nothing comes to be registered
		for name, value := range map[string]string{"auto.register.schemas": "true", "use.latest.version": "false", "use.schema.id": "-1", "reference.lookup.only": "false", urlKey: "http://in-memory"} {
			if _, ok := config[strings.TrimSuffix(side, ".")]; ok {
				config[side+name] = value
			}
		}
		delete(config, side+"use.latest.with.metadata")
	}
	memories := map[string]*registry.Memory{}
	schemas := func(u registry.User, isKey bool) registry.Client {
		m := registry.NewMemory(u.Canonical)
		memories[side(isKey)] = m
		return m
	}
	var out bytes.Buffer
	sum, err := c.Engine.Run(ctx, preview.Job{Options: preview.Options{Topic: c.Topic, Bytes: true}, Config: config, Schemas: schemas}, in, &out)
	o := Outcome{Summary: sum}
	if writeErr := failed(out.Bytes(), failures); err != nil || writeErr != nil {
		return o, errors.Join(err, writeErr)
	}
	switch {
	case sum.Records == 0:
		return o, errors.New("no records: give some on standard input, one a line of JSON")
	case len(memories) == 0 && sum.Failed == 0:
		return o, ErrNoRegistry
	}
	for _, side := range sides {
		if m := memories[side]; m != nil {
			if err := c.ask(ctx, side, m, &o); err != nil {
				return o, err
			}
		}
	}
	return o, nil
}

func side(isKey bool) string {
	if isKey {
		return "key.converter."
	}
	return "value.converter."
}

// failed copies the lines of records that failed.
func failed(out []byte, to io.Writer) error {
	for line := range bytes.Lines(out) {
		if bytes.HasPrefix(line, []byte(`{"error":`)) || bytes.HasPrefix(line, []byte(`{"configError":`)) {
			if _, err := to.Write(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask asks the real registry about what was registered in memory.
func (c Chain) ask(ctx context.Context, side string, m *registry.Memory, o *Outcome) (err error) {
	client, err := c.Settings.open([]string{side, ""})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	there := map[registry.Reference]int32{} // versions by those in memory, without names
	for _, r := range m.Added() {
		d, unknown := r.Document, ""
		d.References = nil
		for _, ref := range r.References {
			version, ok := there[registry.Reference{Subject: ref.Subject, Version: ref.Version}]
			if !ok {
				unknown = ref.Subject
			}
			ref.Version = version
			d.References = append(d.References, ref)
		}
		if unknown != "" {
			v := Verdict{Subject: r.Subject, Format: r.Format}
			if v.New, err = isNew(ctx, client, r.Subject); err != nil {
				return err
			}
			if v.Compatible, v.Unasked = v.New, !v.New; v.Unasked {
				v.Reasons = []string{fmt.Sprintf("the schema refers to %s, where the registry has no such schema yet; register that first, and ask again", unknown)}
			}
			o.Verdicts = append(o.Verdicts, v)
			continue
		}
		v, err := Check(ctx, client, r.Subject, d)
		if err != nil {
			return err
		}
		o.Verdicts = append(o.Verdicts, v)
		found, err := client.Lookup(ctx, r.Subject, d, false, false)
		switch n := code(err); {
		case err == nil:
			there[registry.Reference{Subject: r.Subject, Version: r.Version}] = found.Version
		case n != noSubject && n != noSchema:
			return explain(err, "looking for the schema under "+r.Subject)
		}
	}
	return nil
}
