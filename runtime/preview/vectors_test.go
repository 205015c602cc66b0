package preview_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/moldau-io/moldau/plugins/standard"
	"github.com/moldau-io/moldau/runtime/preview"
	"github.com/moldau-io/moldau/test/vectors"
)

// All that Connect's transforms did, through the code that preview --batch runs.
func TestVectors(t *testing.T) {
	cases, err := vectors.Cases(vectors.Transforms)
	if err != nil {
		t.Fatal(err)
	}
	var in, out bytes.Buffer
	for _, c := range cases {
		in.Write(c.Line)
		in.WriteByte('\n')
	}
	if _, err := preview.New(standard.Registry(), time.Now).Batch(context.Background(), &in, &out); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i, line := range bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n")) {
		var answer struct {
			ID     string
			Result json.RawMessage
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if answer.ID != cases[i].ID {
			t.Fatalf("answer %d is of %s, not of %s", i, answer.ID, cases[i].ID)
		}
		if err := vectors.Compare(cases[i].Result, answer.Result); err != nil {
			failed++
			t.Errorf("%s: %v", answer.ID, err)
		}
	}
	if failed > 0 || len(cases) < 4034 {
		t.Errorf("%d of %d cases fail", failed, len(cases))
	}
}
