package connecttest

import (
	"testing"

	"github.com/moldau-io/moldau/connect"
)

// TransformCase is one record through a transform.
type TransformCase struct {
	Name   string
	Config map[string]string
	In     *connect.Record
	// Want is what comes out; nil for a record that is dropped.
	Want *connect.Record
	// WantErr is the text of the error, if there is to be one.
	WantErr string
}

// Transform is the suite of a transform.
type Transform struct {
	New   func() connect.Transform
	Cases []TransformCase
}

// Run runs the suite.
func (s Transform) Run(t *testing.T) {
	t.Helper()
	t.Run("definition", func(t *testing.T) {
		checkDefinition(t, func() connect.Configured { return s.New() })
	})
	for _, c := range s.Cases {
		t.Run(c.Name, func(t *testing.T) {
			tr := s.New()
			err := tr.Configure(c.Config)
			if err != nil && c.WantErr == "" {
				t.Fatalf("Configure: %v", err)
			}
			for range 2 { // the second time meets what the first has cached
				if err != nil {
					break
				}
				before, text := *c.In, texts(c.In)
				var got *connect.Record
				if got, err = tr.Apply(t.Context(), c.In); err != nil {
					break
				}
				if d := Diff(c.In, &before); d != "" || text != texts(c.In) {
					t.Errorf("the record that came in was changed:\n%s%s", d, texts(c.In))
				}
				if c.WantErr != "" {
					continue
				}
				if d := Diff(got, c.Want); d != "" {
					t.Errorf("%s", d)
				}
			}
			switch {
			case c.WantErr == "" && err != nil:
				t.Errorf("Apply: %v", err)
			case c.WantErr != "" && err == nil:
				t.Errorf("no error, want %q", c.WantErr)
			case c.WantErr != "" && err.Error() != c.WantErr:
				t.Errorf("error %q, want %q", err, c.WantErr)
			}
			if err := tr.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

// texts prints all that a record's values hold.
func texts(r *connect.Record) string {
	out := Show(r.Key) + Show(r.Value)
	for _, h := range r.Headers {
		out += h.Key + Show(h.Value)
	}
	return out
}
